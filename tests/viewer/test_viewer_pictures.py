import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_viewer_page import TEMPLATES
from viewer_samples import ACTIONS, SAMPLES, make_run, nasty, two_runs, with_frames, without_frames

from rl_attention.errors import UserError
from rl_attention.viewer import Replay
from rl_attention.viewer.picture_parts import AREA, draw_decision, draw_frame
from rl_attention.viewer.pictures import save_gif, save_png
from rl_attention.viewer.places import lay_out, side_by_side
from rl_attention.viewer.shades import Range, place_of, range_of, shade, shade_at


@pytest.mark.parametrize(
    "name", ["with_frames", "without_frames", "two_runs", "continuous", "nasty"]
)
def test_every_step_has_a_picture_of_the_same_size(name, tmp_path):
    replay = SAMPLES[name]()
    sizes = set()
    for step in (0, 3, -1):
        save_png(replay, tmp_path / "step.png", step=step)
        with Image.open(tmp_path / "step.png") as image:
            sizes.add(image.size)
    assert len(sizes) == 1


def test_a_gif_has_each_step_once_and_the_speed_that_was_asked_for(tmp_path):
    replay = two_runs()
    save_gif(replay, tmp_path / "replay.gif", fps=5)
    with Image.open(tmp_path / "replay.gif") as image:
        assert image.n_frames == len(side_by_side(replay)) == 30
        assert image.info["duration"] == 200
        assert image.info["loop"] == 0
        pictures = []
        for i in (0, 1):
            image.seek(i)
            pictures.append(np.asarray(image.convert("RGB")).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() > 50


def test_the_same_replay_gives_the_same_bytes(tmp_path):
    for name in "ab":
        save_gif(without_frames(), tmp_path / f"{name}.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_entities_are_tinted_by_the_map_that_was_asked_for():
    run = make_run()
    step = run.steps[0]
    zoom = AREA / lay_out(run, step).width
    for kind in run.maps[:3]:
        span = range_of(run, kind)
        picture = np.asarray(draw_frame(run, step, kind, span))
        for entity, value in zip(step.entities, step.values[kind.id], strict=True):
            x0, y0 = (round(edge * zoom) for edge in entity.box[:2])
            # the rim of a box has the colour itself, unless a neighbour lies over it
            assert tuple(picture[y0 + 1, x0 + 1]) == shade(value, span)


def test_without_a_map_the_frame_is_left_alone():
    run = make_run()
    alone = np.asarray(draw_frame(run, run.steps[0], None, None))
    tinted = np.asarray(draw_frame(run, run.steps[0], run.maps[0], range_of(run, run.maps[0])))
    assert alone.shape == tinted.shape
    assert (alone != tinted).any()


def test_a_likelier_action_has_a_longer_bar():
    run = make_run()
    step = run.steps[0]
    picture = np.asarray(draw_decision(run, step)).astype(int)
    rows = np.array_split(picture, len(ACTIONS))
    blue = [int(((row[..., 2] - row[..., 0]) > 40).any(axis=0).sum()) for row in rows]
    order = np.argsort(step.probabilities)
    assert (np.diff(np.array(blue)[order]) >= 0).all()
    assert max(blue) > 10 * (min(blue) + 1)


def test_a_run_without_the_map_shows_occlusion(tmp_path):
    for name, kind in (("a", "attention"), ("b", "occlusion")):
        save_png(two_runs(), tmp_path / f"{name}.png", map=kind)
    a, b = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in "ab")
    half = a.shape[1] // 2
    assert (a[:, half:] == b[:, half:]).all()
    assert (a[:, :half] != b[:, :half]).any()


def test_what_there_is_not_is_the_users_error(tmp_path):
    replay = with_frames()
    path = tmp_path / "x"
    with pytest.raises(UserError, match="got 'attentoin'; did you mean 'attention'"):
        save_png(replay, path, map="attentoin")
    with pytest.raises(UserError, match="0 to 23, got 24"):
        save_png(replay, path, step=24)
    for fps in (0, -1, 51, float("nan")):
        with pytest.raises(UserError, match="fps: expected a number above 0, at most 50"):
            save_gif(replay, path, fps=fps)
    assert not path.exists()


def test_a_damaged_frame_is_the_users_error_and_leaves_no_file(tmp_path):
    run = with_frames().runs[0]
    broken = run.model_copy(update={"frames": [frame[:200] for frame in run.frames]})
    with pytest.raises(UserError, match="expected a whole PNG picture"):
        save_gif(Replay(title="", runs=[broken]), tmp_path / "replay.gif")
    assert not list(tmp_path.iterdir())


def test_names_that_steer_nothing_are_drawn(tmp_path):
    save_gif(nasty(), tmp_path / "nasty.gif", map="gradient")
    assert (tmp_path / "nasty.gif").stat().st_size > 0


@given(
    low=st.floats(-5, 0),
    high=st.floats(0, 5),
    pair=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    signed=st.booleans(),
)
def test_more_never_lies_lower_on_the_scale(low, high, pair, signed):
    most = max(-low, high)
    span = Range(-most, most, True) if signed else Range(low, high, False)
    values = sorted(span.low + share * (span.high - span.low) for share in pair)
    places = [place_of(value, span) for value in values]
    assert 0 <= places[0] <= places[1] <= 1


def test_the_diverging_scale_is_the_one_of_the_page():
    source = (TEMPLATES / "js" / "colours.js").read_text(encoding="utf-8")
    found = re.search(r"DIVERGING = (\[.*?\]);", source, re.DOTALL)[1]
    anchors = json.loads(re.sub(r",(\s*\])", r"\1", found))
    stops = np.linspace(0, 1, len(anchors))
    assert [shade_at(s, signed=True) for s in stops] == [tuple(anchor) for anchor in anchors]


def test_steps_of_two_runs_stand_side_by_side_by_episode_and_time():
    replay = two_runs()
    shown = side_by_side(replay)
    times = [
        [(s.step.episode, s.step.t, s.ended) for s in column] for column in zip(*shown, strict=True)
    ]
    attention, mlp = times
    assert attention[:10] == [(0, t, False) for t in range(10)]
    assert mlp[8:10] == [(0, 8, False), (0, 8, True)]
    assert attention[14] == mlp[14] == (1, 0, False)
    assert attention[-1] == (1, 9, True)
    assert mlp[-1] == (1, 15, False)
