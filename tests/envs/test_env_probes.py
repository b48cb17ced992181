"""Probe observations: fixed, rich, and drawn where their tokens are."""

import numpy as np
import pytest
from minigrid.core.world_object import WorldObj

from rl_attention_envs import VIEWS, EnvironmentConfigError, make_probes, make_vec_env
from rl_attention_envs.backends.gymnasium import RawMiniGrid
from rl_attention_envs.views.tiles import tile_atlas
from rl_attention_envs.vocabulary import VOCABULARY

COUNTS = {"entities": 32, "cells": 49, "pixels": 49, "flat": 0}


def _rows(observations, count):
    if not isinstance(observations, dict):
        return list(observations)
    return [{key: values[i] for key, values in observations.items()} for i in range(count)]


@pytest.mark.parametrize("view", VIEWS)
def test_probes_are_what_the_environment_emits(view):
    probes = make_probes("MiniGrid-DoorKey-6x6-v0", view=view, n_probes=3)
    venv = make_vec_env("MiniGrid-DoorKey-6x6-v0", view=view)
    for row in _rows(probes["observations"], 3):
        assert venv.observation_space.contains(row)
    emitted = venv.reset()
    if isinstance(emitted, dict):
        for key, values in emitted.items():
            assert probes["observations"][key].dtype == values.dtype
            assert probes["observations"][key].shape[1:] == values.shape[1:]


@pytest.mark.parametrize("view", VIEWS)
def test_shapes_and_types_are_the_contracts(view):
    probes = make_probes("BabyAI-GoToLocal-v0", view=view, n_probes=4)
    tokens = COUNTS[view]
    expected = {
        "frames": ((4, 224, 224, 3), "uint8"),
        "boxes": ((4, tokens, 4), "int32"),
        "types": ((4, tokens), "<U16"),
        "labels": ((4, tokens), "<U32"),
        "agent_boxes": ((4, 4), "int32"),
        "words": ((4, 16), "<U16"),
    }
    assert {key: (probes[key].shape, str(probes[key].dtype)) for key in expected} == expected
    assert probes["missions"].shape == probes["names"].shape == (4,)
    assert probes["agent_boxes"].tolist() == [[96, 192, 128, 224]] * 4


def test_probes_are_always_the_same():
    np.testing.assert_equal(*(make_probes("BabyAI-GoToLocal-v0", n_probes=4) for _ in range(2)))


def test_fewer_probes_are_part_of_what_is_drawn_on_the_way():
    assert len(make_probes("MiniGrid-Empty-5x5-v0", n_probes=1)["names"]) == 1
    with pytest.raises(EnvironmentConfigError, match="n_probes must be at least 1"):
        make_probes("MiniGrid-Empty-5x5-v0", n_probes=0)


def test_probes_differ_and_missions_of_babyai_do():
    probes = make_probes("BabyAI-GoToLocal-v0")
    assert len(set(probes["missions"].tolist())) == 6
    assert len({frame.tobytes() for frame in probes["frames"]}) == 6
    walls = make_probes("MiniGrid-Empty-8x8-v0")
    assert len({frame.tobytes() for frame in walls["frames"]}) == 6


def test_probes_of_a_task_show_its_stages():
    labels = make_probes("MiniGrid-DoorKey-6x6-v0")
    kinds = set(labels["types"][labels["types"] != ""].tolist())
    assert kinds == {"door", "key", "goal"}
    assert (labels["observations"]["carrying"][:, 0] > 1).any()


@pytest.mark.parametrize("view", ["entities", "cells", "pixels"])
def test_boxes_frame_what_the_labels_say(view):
    probes = make_probes("MiniGrid-DoorKey-8x8-v0", view=view)
    atlas = tile_atlas(32)
    cells = make_probes("MiniGrid-DoorKey-8x8-v0", view="cells")["observations"]["cells"]
    framed = 0
    for probe, token in zip(*np.nonzero(probes["types"] != ""), strict=True):
        x0, y0, x1, y1 = probes["boxes"][probe, token]
        assert (x1 - x0, y1 - y0) == (32, 32)
        if (y0, x0) == (192, 96):
            continue
        kind, colour, state = cells[probe, y0 // 32, x0 // 32]
        tile = probes["frames"][probe, y0:y1, x0:x1]
        np.testing.assert_array_equal(tile, atlas._cells[kind, colour, state])
        thing = WorldObj.decode(kind, colour, state)
        name = thing.type if thing else probes["labels"][probe, token]
        assert probes["types"][probe, token] == name
        assert probes["labels"][probe, token].endswith(name)
        framed += 1
    assert framed > 3
    assert not probes["boxes"][probes["types"] == ""].any()


def test_frames_are_minigrids_own():
    probes = make_probes("BabyAI-BossLevel-v0", n_probes=2)
    env = RawMiniGrid("BabyAI-BossLevel-v0")
    env.reset(seed=0)
    raw = env.observe()["image"][None]
    expected = env.grid_env.get_frame(tile_size=32, agent_pov=True)
    np.testing.assert_array_equal(tile_atlas(32).draw(raw)[0], expected)
    assert probes["frames"].shape[1:] == expected.shape


def test_words_are_the_mission():
    probes = make_probes("BabyAI-BossLevel-v0", n_probes=3)
    for words, ids in zip(probes["words"], probes["observations"]["mission"], strict=True):
        assert [VOCABULARY[i] if i else "" for i in ids] == words.tolist()


def test_an_id_that_only_envpool_runs_has_probes_too():
    pytest.importorskip("envpool")
    probes = make_probes("MiniGrid-WFC-MazeSimple-v0", n_probes=2)
    assert probes["missions"].tolist() == ["traverse the maze to get to the goal"] * 2


def test_without_envpool_such_an_id_has_none(monkeypatch):
    monkeypatch.setattr("rl_attention_envs.probes.envpool_ids", frozenset)
    with pytest.raises(EnvironmentConfigError, match="pattern pictures"):
        make_probes("MiniGrid-WFC-MazeSimple-v0", n_probes=2)
