"""What the page shows is what the data say."""

from itertools import pairwise

import numpy as np
import pytest
from viewer_browser import boxes, check_without
from viewer_maker import CELL
from viewer_samples import SAMPLES, continuous, two_runs

from rl_attention.viewer import unpack_weights

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("step", [0, 7, 13, 14, 23])
def test_the_table_has_the_numbers_of_the_data(step, show, run):
    shown = show(hash=f"#step={step}")
    data = run.steps[step]
    first = data.values[run.maps[0].id]
    order = sorted(range(len(first)), key=lambda i: -first[i])
    rows = shown.page.locator("#panels tr[data-ref]")
    assert rows.count() == len(data.entities)
    for row, i in enumerate(order):
        here = f"#panels tr[data-ref]:nth-child({row + 1})"
        entity, without = data.entities[i], data.without[i]
        assert rows.nth(row).get_attribute("data-ref") == f"e{entity.slot}"
        assert shown.texts(f"{here} .label") == [entity.label]
        for found in run.maps:
            expected = f"{data.values[found.id][i]:.3f}"
            assert shown.texts(f"{here} [data-map='{found.id}']") == [expected]
        assert float(shown.texts(f"{here} [data-of=drop]")[0]) == pytest.approx(
            without.drop, abs=6e-4
        )
        assert shown.texts(f"{here} [data-of=flip]") == ["yes" if without.flip else "no"]


def test_a_bar_is_as_long_as_its_number_is_large_on_the_scale(show, run):
    shown = show(hash="#step=4")
    values = run.steps[4].values["occlusion"]
    bars = "#panels td[data-map=occlusion] .bar-fill"
    widths = "(bars) => bars.map((bar) => parseFloat(bar.style.width))"
    everywhere = max(value for step in run.steps for value in step.values["occlusion"])
    for scale, most in (("replay", everywhere), ("step", max(values))):
        shown.page.select_option("#scale", scale)
        found = shown.page.eval_on_selector_all(bars, widths)
        assert sorted(found) == pytest.approx(sorted(100 * v / most for v in values), abs=0.01)
    assert max(found) == 100


def weights_of(run, step, layer):
    index = [found.id for found in run.layers].index(layer)
    weights = run.steps[step].layers[index]
    shape = (run.layers[index].heads, len(weights.queries), len(weights.keys))
    return weights, unpack_weights(weights.weights, shape)


def colour_under(shown, box, selector="#panels canvas.frame"):
    """Colour of the rim of a box, where the tint is opaque."""
    pixels = shown.pixels(selector)
    zoom = pixels.shape[1] / (7 * CELL)
    return pixels[round(box[1] * zoom) + 1, round((box[0] + CELL / 2) * zoom), :3].astype(int)


def test_the_tint_of_an_entity_follows_its_weight_in_each_head(show, run):
    shown = show(hash="#step=3&map=weights&layer=l1&head=0")
    weights, numbers = weights_of(run, 3, "l1")
    top = int(numbers[0, 0, 1:].argmax())
    entity = run.steps[3].entities[top]
    assert weights.keys[1 + top] == f"e{entity.slot}"
    found = []
    for head in range(4):
        assert shown.state("head") == head
        found.append((numbers[head, 0, 1 + top], colour_under(shown, entity.box)))
        shown.press("]")
    for a, colour_a in found:
        for b, colour_b in found:
            if a > b + 0.1:  # brighter is more
                assert colour_a @ [0.3, 0.6, 0.1] > colour_b @ [0.3, 0.6, 0.1]


def test_the_frame_alone_is_the_frame_of_the_data(show, run):
    shown = show(hash="#step=3&map=none")
    pixels = shown.pixels("#panels canvas.frame")
    (entity, *_) = run.steps[3].entities
    x, y = int(entity.box[0] / CELL), int(entity.box[1] / CELL)
    zoom = pixels.shape[1] // (7 * CELL)
    cell = pixels[y * CELL * zoom : (y + 1) * CELL * zoom, x * CELL * zoom : (x + 1) * CELL * zoom]
    assert shown.page.locator("#panels .ramp").count() == 0
    shown.press("m")
    tinted = shown.pixels("#panels canvas.frame")
    other = tinted[y * CELL * zoom : (y + 1) * CELL * zoom, x * CELL * zoom : (x + 1) * CELL * zoom]
    assert len({tuple(pixel) for pixel in cell.reshape(-1, 4)}) == 3
    assert (cell != other).any(axis=-1).mean() > 0.9


def test_pointing_at_a_row_shows_the_decision_without_the_entity(show, run):
    shown = show(hash="#step=4")
    step = run.steps[4]
    assert shown.texts(".without-value") == [""] * 7
    for i, entity in enumerate(step.entities):
        shown.page.hover(f"#panels tr[data-ref=e{entity.slot}]")
        assert shown.state("hovered") == {"run": 0, "ref": f"e{entity.slot}"}
        check_without(shown, step, i)
        assert entity.label in shown.page.inner_text(".without-title")
    shown.page.hover("h1")
    assert shown.state("hovered") is None
    assert shown.texts(".without-value") == [""] * 7


def test_pointing_at_the_picture_does_the_same(show, run):
    shown = show(hash="#step=4")
    step = run.steps[4]
    box = shown.page.locator("#panels canvas.frame").bounding_box()
    zoom = box["width"] / (7 * CELL)
    for i, entity in enumerate(step.entities):
        x, y = (entity.box[k] + CELL / 2 for k in (0, 1))
        shown.page.mouse.move(box["x"] + x * zoom, box["y"] + y * zoom)
        assert shown.state("hovered") == {"run": 0, "ref": f"e{entity.slot}"}
        check_without(shown, step, i)
    shown.page.mouse.click(box["x"] + x * zoom, box["y"] + y * zoom)
    assert shown.state("query") == f"e{entity.slot}"


def test_the_timeline_marks_rewards_episodes_and_disagreement(show, run):
    shown = show()

    def slots(kind):
        marks = shown.page.locator(f"#curves rect.{kind}")
        return sorted(int(mark.get_attribute("data-slot")) for mark in marks.all())

    def differ(step):
        return np.argmax(step.values["attention"]) != np.argmax(step.values["occlusion"])

    assert slots("disagree") == [i for i, step in enumerate(run.steps) if differ(step)]
    assert slots("reward") == [i for i, step in enumerate(run.steps) if step.reward]
    assert shown.page.locator("#curves line.boundary").count() == 1


def test_the_slider_over_the_training_changes_the_maps(show, run):
    shown = show(hash="#layer=l1&head=2")
    probe = run.probes[0]
    canvas = "#training canvas.frame"
    seen = []
    for i, moment in enumerate(probe.moments):
        shown.page.focus("#moment")
        shown.page.fill("#moment", str(i))
        assert shown.state("moment") == i
        assert shown.texts("#training output") == [f"{moment.step:,} frames"]
        small = shown.pixels("#training [data-layer=l1][data-head='2'] canvas")
        seen.append((shown.pixels(canvas), small))
    for (a, small_a), (b, small_b) in pairwise(seen):
        assert (a != b).any()
        assert (small_a != small_b).any()
    shown.page.select_option("#probe", "1")
    assert shown.state("moment") == len(probe.moments) - 1


def test_without_probes_there_is_no_slider(show):
    shown = show("continuous")
    assert shown.page.locator("#training").is_hidden()


def test_choosing_a_word_shows_who_reads_it(show, run):
    shown = show(hash="#step=4&layer=w0&head=1")
    weights, numbers = weights_of(run, 4, "w0")
    assert shown.texts(".chip-value") == [f"{w:.2f}" for w in numbers[1, 0]]
    shown.page.click(".chip[data-ref=w3]")
    assert shown.state("query") == "w3"
    column = numbers[1, :, weights.keys.index("w3")]
    expected = [f"{w:.3f}" for w in sorted(column, reverse=True)[:8]]
    assert shown.texts(".readers .value") == expected
    assert "Who reads “red”" in shown.page.inner_text(".readers")
    entity = run.steps[4].entities[0]
    shown.page.hover(f"#panels tr[data-ref=e{entity.slot}]")
    row = numbers[1, weights.queries.index(f"e{entity.slot}")]
    assert shown.texts(".chip-value") == [f"{w:.2f}" for w in row]


@pytest.mark.parametrize("step", [0, 1])
def test_the_strip_says_how_far_the_map_can_be_trusted(step, show, run):
    shown = show(hash=f"#step={step}")
    score = run.steps[step].scores["attention"]
    told = "n/a: removing any entity changes too little" if score.F is None else f"{score.F:.2f}"
    assert (step == 1) == (score.F is None)
    assert shown.texts(".honesty [data-of=F]") == ["0.62 [0.42, 0.72]"]
    assert shown.texts(".honesty [data-of=F-step]") == [told]
    here = "yes" if score.hit else "no"
    assert shown.texts(".honesty [data-of=hit]") == [f"64 % (chance 21 %); here: {here}"]
    assert shown.texts(".honesty [data-of=flip]") == ["31 % (random entity 12 %)"]
    assert shown.texts(".honesty .verdict") == [f"weak {run.verdict.text}"]


def test_weights_that_were_not_tested_are_not_passed_off_as_tested(show):
    shown = show(hash="#map=weights&layer=l1&head=0")
    assert "has no test of its own" in shown.page.inner_text(".honesty")
    shown.page.select_option("#head", "1")  # there is a map of this head
    assert "has no test" not in shown.page.inner_text(".honesty")
    assert "attention: l1, head 1" in shown.page.inner_text(".honesty h3")
    shown.page.select_option("#query", "e0")
    assert "has no test of its own" in shown.page.inner_text(".honesty")


def test_two_runs_go_through_the_same_episode_side_by_side(show):
    shown = show("two_runs", hash="#step=12")
    attention, mlp = two_runs().runs
    where = shown.texts(".panel > .where")
    assert where[0] == "Episode 0, step 12"
    assert where[1].startswith("Episode 0, step 8: the episode of this run has ended")
    shown.press("ArrowRight", "ArrowRight")
    assert shown.texts(".panel > .where") == ["Episode 1, step 0"] * 2
    assert shown.texts(".panel:nth-child(1) .now-value") == [
        f"{p:.3f}" for p in attention.steps[14].probabilities
    ]
    assert shown.texts(".panel:nth-child(2) .now-value") == [
        f"{p:.3f}" for p in mlp.steps[9].probabilities
    ]
    tops = [box["y"] for box in boxes(shown, "#panels > .panel")]
    assert tops[0] == tops[1]
    shown.page.set_viewport_size({"width": 790, "height": 900})
    tops = [box["y"] for box in boxes(shown, "#panels > .panel")]
    assert tops[1] > tops[0] + 500


def test_a_run_without_attention_shows_occlusion_and_says_why(show):
    shown = show("two_runs", hash="#map=weights&layer=l1&head=1")
    panel = ".panel:nth-child(2)"
    assert shown.texts(f"{panel} .legend-title") == ["occlusion"]
    assert "The arm mlp has no attention layers" in shown.page.inner_text(f"{panel} .notes")
    assert shown.page.locator(f"#panels {panel} .heads").is_hidden()
    assert shown.texts(".panel:nth-child(1) .legend-title")[0].startswith("l1, head 1")


def test_pointing_into_one_run_leaves_the_other_alone(show):
    shown = show("two_runs")
    shown.page.hover(".panel:nth-child(2) tr[data-ref=e1]")
    assert shown.state("hovered") == {"run": 1, "ref": "e1"}
    assert shown.texts(".panel:nth-child(1) .without-value") == [""] * 7
    assert "" not in shown.texts(".panel:nth-child(2) .without-value")


def test_continuous_actions_have_mean_and_spread(show):
    shown = show("continuous", hash="#step=2")
    step = continuous().runs[0].steps[2]
    shown.page.hover("tr[data-ref=e1]")
    (without,) = (w for e, w in zip(step.entities, step.without, strict=True) if e.slot == 1)
    for kind, data in (("now", step), ("without", without)):
        pairs = zip(data.mean, data.std, strict=True)
        assert shown.texts(f".{kind}-value") == [f"{m:.3f} ± {s:.3f}" for m, s in pairs]


@pytest.mark.parametrize("name", ["without_frames", "on_a_circle"])
def test_without_frames_everything_has_a_name_and_a_place(name, show):
    shown = show(name)
    step = SAMPLES[name]().runs[0].steps[0]
    tags = shown.texts("#panels .tag")
    for entity, value in zip(step.entities, step.values["attention"], strict=True):
        assert any(t.startswith(entity.label) and t.endswith(f"{value:.2f}") for t in tags)
    before = shown.pixels("#panels canvas.frame")
    shown.press("m")
    assert (before != shown.pixels("#panels canvas.frame")).any()


def test_the_level_of_an_equal_share_stands_on_the_scale(show, run):
    shown = show(hash="#step=4&layer=l1&head=1&map=weights")
    n = len(run.steps[4].entities) + 1
    assert shown.texts("#panels .mark.level") == [f"equal share 1/{n} = {1 / n:.3f}"]
    assert shown.texts("#panels .mark.tick") == ["0.00", "1.00"]
    shown.page.select_option("#map", "gradient")
    assert shown.page.locator("#panels .mark.level").count() == 0
    low, zero, high = shown.texts("#panels .mark.tick")
    assert (zero, float(low)) == ("0", -float(high))
