"""What a film strip must show of the data, and what it shows."""

import pytest


def steps_of(step):
    """The tokens of each step of a window, as places in its entities."""
    found = {}
    for i, entity in enumerate(step.entities):
        found.setdefault(entity.step, []).append(i)
    return dict(sorted(found.items()))


def sums_of(step, name):
    return {age: sum(step.values[name][i] for i in at) for age, at in steps_of(step).items()}


def largest(sums):
    return max(sums, key=lambda age: (sums[age], -age))


def panel(age):
    return f"#panels .strip-panel[data-step='{age}']"


def bars(shown, kind="step-bar", name="data-value"):
    script = f"(all) => all.map((bar) => [bar.dataset.step, bar.getAttribute('{name}')])"
    found = shown.page.eval_on_selector_all(f"#panels rect.{kind}", script)
    return {int(step): float(value) for step, value in found}


def check_table(shown, run, step, age):
    """The table has the tokens of one step, with the numbers of the data."""
    rows = {f"e{step.entities[i].slot}": i for i in steps_of(step)[age]}
    refs = shown.page.eval_on_selector_all(
        "#panels tr[data-ref]", "(rows) => rows.map((row) => row.dataset.ref)"
    )
    first = step.values[run.maps[0].id]
    assert refs == sorted(rows, key=lambda ref: (-first[rows[ref]], rows[ref]))
    for ref, i in rows.items():
        here = f"#panels tr[data-ref={ref}]"
        assert shown.texts(f"{here} .label") == [step.entities[i].label]
        for found in run.maps:
            expected = [f"{step.values[found.id][i]:.3f}"]
            assert shown.texts(f"{here} [data-map='{found.id}']") == expected
        drop = float(shown.texts(f"{here} [data-of=drop]")[0])
        assert drop == pytest.approx(step.without[i].drop, abs=6e-4)
