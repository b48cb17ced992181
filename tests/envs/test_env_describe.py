"""What the wrapper says of the tokens that it shows."""

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import numpy as np
import pytest

from rl_attention_envs import VIEWS, EnvironmentConfigError, make_vec_env
from rl_attention_envs.probes import describe
from rl_attention_envs.wrappers import ViewObservation

COUNTS = {"entities": 32, "cells": 49, "pixels": 49, "flat": 0}


def make(view, env_id="BabyAI-GoToLocal-v0"):
    return ViewObservation(gymnasium.make(env_id, disable_env_checker=True), view=view)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_names(view):
    env = make(view)
    env.reset(seed=3)
    said = env.describe_entities()
    assert len(said["labels"]) == len(said["types"]) == len(said["boxes"]) == COUNTS[view]
    assert said["frame"].shape == (224, 224, 3)
    assert said["mission"] == env.unwrapped.mission
    assert " ".join(said["words"]).strip() == said["mission"]


def test_names_are_those_of_the_observation_shown_last():
    env = make("entities")
    env.action_space.seed(0)
    shown, _ = env.reset(seed=5)
    for _ in range(30):
        said = env.describe_entities()
        real = shown["mask"] == 1
        assert np.array_equal(said["labels"] != "", real)
        assert np.array_equal(said["boxes"].any(axis=1), real)
        again = describe(env.view, {**env._last})
        assert all(np.array_equal(said[key], again[key]) for key in said)
        shown, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            shown, _ = env.reset()


def test_describing_changes_nothing():
    walks = []
    for asked in (False, True):
        env = make("entities", "MiniGrid-Dynamic-Obstacles-6x6-v0")
        env.action_space.seed(1)
        seen = [env.reset(seed=1)[0]]
        for _ in range(40):
            if asked:
                env.describe_entities()
            shown, _, terminated, truncated, _ = env.step(env.action_space.sample())
            seen.append(env.reset()[0] if terminated or truncated else shown)
        walks.append(seen)
    np.testing.assert_equal(*walks)


def test_nothing_can_be_said_before_an_episode():
    with pytest.raises(EnvironmentConfigError, match="call reset first"):
        make("entities").describe_entities()


@pytest.mark.parametrize("backend", ["envpool", "gymnasium"])
def test_a_vector_environment_says_it_of_each(backend):
    env = make_vec_env("BabyAI-GoToLocal-v0", n_envs=3, backend=backend, seed=0)
    assert env.has_attr("describe_entities")
    with pytest.raises(EnvironmentConfigError, match="call reset first"):
        env.env_method("describe_entities")
    shown = env.reset()
    env.action_space.seed(0)
    for _ in range(70):  # over the end of episodes
        said = env.env_method("describe_entities", indices=[0, 2])
        for row, described in zip((0, 2), said, strict=True):
            assert np.array_equal(described["labels"] != "", shown["mask"][row] == 1)
            count = int((shown["mission_mask"][row] == 1).sum())
            assert len(described["mission"].split()) == count
        shown, *_ = env.step(np.array([env.action_space.sample() for _ in range(3)]))
