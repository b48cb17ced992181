"""The film strip in pictures of a replay."""

import numpy as np
import pytest
from PIL import Image
from viewer_samples import make_run
from viewer_windows import WINDOWS, make_window_run

from rl_attention.recording.drawing.text import LINE
from rl_attention.viewer import Replay, read_replay
from rl_attention.viewer.film import Film, window_length
from rl_attention.viewer.pictures import save_gif, save_png
from rl_attention.viewer.places import lay_out
from rl_attention.viewer.shades import range_of, shade, span_of

WIDTH = 612


@pytest.fixture(scope="module")
def run():
    return make_window_run(10, n_probes=0)


def sums_of(step, kind):
    ages = [entity.step for entity in step.entities]
    sums = dict.fromkeys(range(min(ages), 1), 0.0)
    for age, value in zip(ages, step.values[kind], strict=True):
        sums[age] += value
    return list(sums.values())


@pytest.mark.parametrize("name", WINDOWS)
def test_every_step_has_a_picture_of_the_same_size_and_is_read_back(name, tmp_path):
    replay = WINDOWS[name]()
    sizes = set()
    for step in (0, 3, -1):
        save_png(replay, tmp_path / "step.png", step=step)
        with Image.open(tmp_path / "step.png") as image:
            sizes.add(image.size)
    assert len(sizes) == 1
    replay.save_json(tmp_path / "replay.json")
    assert read_replay(tmp_path / "replay.json") == replay


def test_a_run_without_a_past_has_no_strip(tmp_path, run):
    alone = make_run(10, n_probes=0, n_entities=4)
    assert (window_length(alone), window_length(run)) == (1, 8)
    heights = []
    for one in (alone, run):
        save_png(Replay(title="", runs=[one]), tmp_path / "step.png")
        with Image.open(tmp_path / "step.png") as image:
            heights.append(image.height)
    kind = run.maps[0]
    assert heights[1] - heights[0] == Film(run, kind, range_of(run, kind), WIDTH).size[1] + 12


@pytest.mark.parametrize("number", [0, 2, 9])
@pytest.mark.parametrize("name", ["attention", "occlusion"])
def test_bars_are_the_sums_of_the_data(name, number, run):
    (kind,) = (found for found in run.maps if found.id == name)
    step = run.steps[number]
    picture = np.asarray(Film(run, kind, range_of(run, kind), WIDTH).draw(step))
    sums = sums_of(step, name)
    scale = span_of((v for one in run.steps for v in sums_of(one, name)), signed=False)
    for age, value in zip(range(1 - len(sums), 1), sums, strict=True):
        column = round((age + 7.5) * WIDTH / 8) - 10
        bar = (picture[LINE : LINE + 48, column] == shade(value, scale)).all(axis=-1)
        # the line of an equal share lies over it
        assert bar.sum() == pytest.approx(47 * value / max(sums), abs=3.5)
    missing = 8 - len(sums)
    ground = picture[LINE : LINE + 48, : missing * WIDTH // 8]
    assert len(np.unique(ground.reshape(-1, 3), axis=0)) <= 1


def test_the_largest_steps_have_the_frames_that_they_had(run):
    kind = run.maps[0]
    step = run.steps[9]
    film = Film(run, kind, range_of(run, kind), WIDTH)
    whole = np.asarray(film.draw(step)).astype(int)
    other = make_window_run(10, n_probes=0)
    earlier = {4: run.steps[0].frame}
    changed = other.model_copy(
        update={
            "steps": [
                s.model_copy(update={"frame": earlier.get(s.t, s.frame)}) if s.episode == 0 else s
                for s in other.steps
            ]
        }
    )
    drawn = np.asarray(Film(changed, kind, range_of(run, kind), WIDTH).draw(changed.steps[9]))
    differs = np.flatnonzero((whole != drawn).any(axis=(0, 2)))
    # eight frames of 72 pixels and 4 between them: step 4 of the episode is -5, the third
    assert 2 * 76 <= differs.min() <= differs.max() < 2 * 76 + 72


def test_what_is_past_has_no_place_in_the_picture(run):
    step = run.steps[9]
    placed = [e.model_copy(update={"box": [0.0, 0.0, 9.0, 9.0]}) for e in step.entities]
    for frame in (step.frame, None):
        scene = step.model_copy(update={"entities": placed, "frame": frame})
        now = {f"e{entity.slot}" for entity in step.entities if entity.step == 0}
        assert set(lay_out(run, scene).boxes) == now


def test_the_same_replay_gives_the_same_bytes(tmp_path):
    for name in "ab":
        save_gif(Replay(title="", runs=[make_window_run(12, lengths=(6,))]), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
