"""The film strip of a network that reads past frames: which step, and what in it, counts."""

import numpy as np
import pytest
from viewer_browser import Shown
from viewer_strips import bars, check_table, largest, panel, steps_of, sums_of
from viewer_windows import WINDOWS, make_window_run, window

from rl_attention.viewer import Replay, unpack_weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run():
    return window().runs[0]


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("width", [360, 1280])
def test_every_window_opens_without_an_error_and_fits(name, width, show):
    shown = show(name, width=width)
    shown.press("End", "m", "]", "l", "q")
    shown.settle()
    assert shown.overflow() <= 0
    chart = shown.page.locator("#panels .step-chart .chart").bounding_box()
    assert chart["x"] >= 0
    assert chart["x"] + chart["width"] <= width
    assert WINDOWS[name]() == Replay.model_validate_json(
        shown.page.evaluate("document.getElementById('replay').textContent")
    )


def test_choosing_a_panel_changes_the_table_to_the_numbers_of_the_data(show, run):
    shown = show("window", hash="#step=9")
    step = run.steps[9]
    assert sorted(steps_of(step)) == list(range(-7, 1))
    for age in (0, -3, -7):
        shown.page.click(panel(age))
        assert shown.state("past") == age
        assert shown.hash()["past"] == str(age)
        assert shown.page.locator("#panels .strip-panel[aria-checked=true]").count() == 1
        assert shown.page.get_attribute(panel(age), "aria-checked") == "true"
        check_table(shown, run, step, age)


def test_the_step_with_the_largest_sum_is_marked_and_listed_at_first(show, run):
    shown = show("window")
    for number in (0, 2, 9, 13):
        shown.page.evaluate(f"window.location.hash = 'step={number}'")
        shown.wait_until(f"window.__viewer.state.step === {number}")
        sums = sums_of(run.steps[number], "attention")
        best = largest(sums)
        name = "now" if best == 0 else str(best)
        assert shown.texts("#panels .strip-told") == [f"Largest: {name}, {sums[best]:.3f}"]
        marked = "(all) => all.filter((one) => one.textContent.includes('▾')).length"
        assert shown.page.eval_on_selector_all("#panels .strip-name", marked) == 1
        assert "▾" in shown.page.text_content(f"{panel(best)} .strip-name")
        check_table(shown, run, run.steps[number], best)


def test_a_chosen_step_can_be_given_up_for_the_largest(show, run):
    shown = show("window", hash="#step=9&past=-2")
    follow = shown.page.locator("#panels .follow")
    assert follow.get_attribute("aria-pressed") == "false"
    follow.click()
    assert follow.get_attribute("aria-pressed") == "true"
    assert "past" not in shown.hash()
    check_table(shown, run, run.steps[9], largest(sums_of(run.steps[9], "attention")))


@pytest.mark.parametrize("name", ["attention", "occlusion"])
def test_bars_are_the_sums_of_a_map(name, show, run):
    shown = show("window", hash=f"#step=9&map={name}")
    step = run.steps[9]
    sums = sums_of(step, name)
    assert bars(shown) == pytest.approx(sums)
    heights = bars(shown, name="height")
    most = max(sums.values())
    # in hundredths of the chart, and never less than a line
    assert heights == pytest.approx({age: max(100 * v / most, 1) for age, v in sums.items()})
    ticks = {age: y + 0.9 for age, y in bars(shown, "step-level", "y").items()}
    level = sum(step.values[name]) / len(step.entities)
    expected = {age: 100 * (1 - level * len(at) / most) for age, at in steps_of(step).items()}
    assert ticks == pytest.approx(expected)
    for age, value in sums.items():
        assert shown.page.text_content(f"{panel(age)} .strip-value") == f"{value:.3f}"


def test_bars_are_the_sums_of_the_chosen_layer_head_and_query(show, run):
    shown = show("window", hash="#step=9&layer=l1&head=2")
    step = run.steps[9]
    (layer,) = (i for i, found in enumerate(run.layers) if found.id == "l1")
    weights = step.layers[layer]
    numbers = unpack_weights(weights.weights, (4, len(weights.queries), len(weights.keys)))
    ages = {f"e{entity.slot}": entity.step for entity in step.entities}
    for query in ("g", "e16"):
        shown.page.select_option("#query", query)
        row = numbers[2, weights.queries.index(query)]
        sums = dict.fromkeys(range(-7, 1), 0.0)
        for ref, weight in zip(weights.keys, row, strict=True):
            if ref in ages:
                sums[ages[ref]] += weight
        assert bars(shown) == pytest.approx(sums)
    shown.page.select_option("#map", "none")  # the frame alone: the strip still has its weights
    assert bars(shown) == pytest.approx(sums)


def test_a_layer_over_words_has_no_bars_and_says_so(show):
    shown = show("window", hash="#step=9&layer=w0&head=0")
    assert bars(shown) == {}
    assert shown.texts("#panels .strip-told") == ["No step has a number here."]


def test_the_strip_can_be_used_by_keyboard_alone(show, run):
    shown = show("window", hash="#step=9&past=-3")
    for _ in range(60):
        shown.press("Tab")
        if shown.page.evaluate("document.activeElement.matches('#panels .strip-panel')"):
            break
    focused = "document.activeElement.dataset.step"
    assert shown.page.evaluate(focused) == "-3"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert shown.page.evaluate(outline) == "solid"
    for key, age in (("ArrowLeft", -4), ("ArrowRight", -3), ("End", 0), ("ArrowRight", 0)):
        shown.press(key)
        assert (shown.state("past"), shown.page.evaluate(focused)) == (age, str(age))
    shown.press("Home")
    assert (shown.state("step"), shown.state("past")) == (9, -7)
    check_table(shown, run, run.steps[9], -7)
    shown.press("Tab")  # one stop for all panels, and on to the table
    assert shown.page.evaluate("document.activeElement.matches('tr[data-ref]')")
    shown.press("ArrowRight")
    assert (shown.state("step"), shown.state("past")) == (10, -7)


def test_a_press_on_the_chart_chooses_a_step(show):
    shown = show("window", hash="#step=9")
    box = shown.page.locator("#panels .step-chart .chart").bounding_box()
    shown.page.mouse.click(box["x"] + box["width"] * 1.5 / 8, box["y"] + 20)
    assert shown.state("past") == -6


def test_everything_in_the_strip_has_a_name(show, run):
    shown = show("window", hash="#step=9&past=-3")
    sums = sums_of(run.steps[9], "attention")
    label = shown.page.get_attribute(panel(-3), "aria-label")
    assert label == f"step −3, {sums[-3]:.3f}, {len(steps_of(run.steps[9])[-3])} tokens"
    chart = shown.page.get_attribute("#panels .step-chart .chart", "aria-label")
    best = largest(sums)
    assert chart == f"8 steps, most −{-best} with {sums[best]:.3f}"
    assert shown.page.get_attribute("#panels .film", "aria-label") == "Steps of the window"


@pytest.mark.parametrize("past", ["-8", "1", "-0", "x", "-99999"])
def test_a_step_that_no_window_has_is_passed_over(past, show):
    shown = show("window", hash=f"#step=9&past={past}")
    assert shown.state("past") is None


def test_a_step_from_before_the_episode_gives_way_and_comes_back(show, run):
    shown = show("window", hash="#step=2&past=-5")
    best = largest(sums_of(run.steps[2], "attention"))
    check_table(shown, run, run.steps[2], best)
    assert "is from before this episode" in shown.page.inner_text("#panels .strip .note")
    shown.press(*["ArrowRight"] * 7)
    check_table(shown, run, run.steps[9], -5)
    assert shown.page.locator("#panels .strip .note").is_hidden()


def test_a_panel_has_the_frame_that_its_step_had(show):
    shown = show("window", hash="#step=9&map=none")
    then = shown.pixels(f"{panel(-3)} canvas")
    assert (then != shown.pixels(f"{panel(0)} canvas")).any()
    shown.press(*["ArrowLeft"] * 3)
    assert (shown.pixels(f"{panel(0)} canvas") == then).all()


def test_a_panel_is_tinted_by_what_its_entities_have_now(show, run):
    shown = show("window", hash="#step=9&map=occlusion")
    (age, i) = next(
        (age, at[k])
        for age, at in steps_of(run.steps[9]).items()
        for k in range(len(at) - 1)
        if age < 0 and run.steps[9].values["occlusion"][at[k]] > 0.5
    )
    tinted = shown.pixels(f"{panel(age)} canvas").astype(int)
    ref = f"e{run.steps[9].entities[i].slot}"
    shown.page.click(panel(age))
    shown.page.hover(f"#panels tr[data-ref={ref}]")
    outlined = shown.pixels(f"{panel(age)} canvas").astype(int)
    changed = np.argwhere((tinted != outlined).any(axis=-1))
    # the outline lies around the box that the entity had at its step
    before = run.steps[9 + age]
    now = [entity for entity in before.entities if entity.step == 0]
    box = now[steps_of(run.steps[9])[age].index(i)].box
    zoom = tinted.shape[0] / 196
    assert np.abs(changed.min(axis=0)[::-1] - np.array(box[:2]) * zoom).max() < 5
    assert np.abs(changed.max(axis=0)[::-1] - np.array(box[2:]) * zoom).max() < 5


def test_only_what_is_there_now_is_drawn_over_the_frame(browser, tmp_path):
    whole = make_window_run(10)
    step = whole.steps[9]
    placed = [
        e.model_copy(update={"box": [0.0, 0.0, 56.0, 56.0]}) if e.step < 0 else e
        for e in step.entities
    ]
    moved = step.model_copy(update={"entities": placed})
    changed = whole.model_copy(
        update={"steps": [moved if s.t == 9 and s.episode == 0 else s for s in whole.steps]}
    )
    pictures = []
    for number, one in enumerate((whole, changed)):
        path = tmp_path / f"{number}.html"
        Replay(title="", runs=[one]).save_html(path)
        shown = Shown(browser, path, "#step=9")
        pictures.append(shown.pixels("#panels canvas.frame"))
        assert all(" -" not in text for text in shown.texts("#panels .picture .note"))
        tags = shown.texts("#panels .picture .tag")
        assert all(tag.startswith("now") for tag in tags)
        assert shown.errors == []
        shown.close()
    assert (pictures[0] == pictures[1]).all()


def test_who_reads_a_word_may_be_a_past_entity(show, run):
    shown = show("window", hash="#step=9&layer=w0&head=1")
    shown.page.click(".chip[data-ref=w3]")
    weights = run.steps[9].layers[3]
    numbers = unpack_weights(weights.weights, (4, len(weights.queries), len(weights.keys)))
    column = numbers[1, :, 3]
    expected = [f"{w:.3f}" for w in sorted(column, reverse=True)[:8]]
    assert shown.texts(".readers .value") == expected
    labels = {entity.label for entity in run.steps[9].entities if entity.step < 0}
    assert labels & set(shown.texts(".readers .label"))
    past = next(entity for entity in run.steps[9].entities if entity.step == -3)
    shown.page.click(panel(-3))
    shown.page.hover(f"#panels tr[data-ref=e{past.slot}]")
    row = numbers[1, weights.queries.index(f"e{past.slot}")]
    assert shown.texts(".chip-value") == [f"{w:.2f}" for w in row]


def test_pointing_at_a_past_token_shows_the_decision_without_it(show, run):
    shown = show("window", hash="#step=9&past=-3")
    step = run.steps[9]
    i = steps_of(step)[-3][0]
    shown.page.hover(f"#panels tr[data-ref=e{step.entities[i].slot}]")
    assert shown.texts(".without-value") == [f"{p:.3f}" for p in step.without[i].probabilities]


def test_probes_have_the_chart_of_their_window(show, run):
    shown = show("window", hash="#layer=l2&head=0")
    moment = run.probes[0].moments[-1]
    weights = moment.layers[2]
    numbers = unpack_weights(weights.weights, (2, 1, len(weights.keys)))[0, 0]
    ages = [entity.step for entity in run.probes[0].entities]
    sums = dict.fromkeys(range(-7, 1), 0.0)
    for age, weight in zip(ages, numbers, strict=True):
        sums[age] += weight
    script = "(all) => all.map((bar) => [bar.dataset.step, bar.dataset.value])"
    found = shown.page.eval_on_selector_all("#training rect.step-bar", script)
    assert {int(age): float(value) for age, value in found} == pytest.approx(sums)
