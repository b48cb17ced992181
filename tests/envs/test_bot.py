"""BabyAI's bot as a teacher: what it is shown, what it answers, and what happens where it fails."""

import numpy as np
import pytest
from minigrid.core.world_object import Box
from minigrid.utils.baby_ai_bot import Subgoal

from rl_attention_envs import make_vec_env
from rl_attention_envs.backends.gymnasium import RawMiniGrid
from rl_attention_envs.bot import NO_ANSWER, Adviser, TaughtEnvs, check_bot
from rl_attention_envs.errors import EnvironmentConfigError

LEVEL = "BabyAI-GoToLocal-v0"
TOGGLE, DONE = 5, 6


@pytest.fixture
def episode():
    env = RawMiniGrid(LEVEL)
    env.reset(seed=3)
    yield env.grid_env
    env.close()


def play(envs, steps):
    rows = np.arange(len(envs))
    for _ in range(steps):
        answers = envs.ask(rows)
        known = answers != NO_ANSWER
        envs.step(rows[known], answers[known])


@pytest.mark.parametrize("view", ["entities", "cells", "flat"])
def test_it_shows_what_make_vec_env_shows(view):
    seen = make_vec_env(LEVEL, view=view, n_envs=3, seed=5, backend="gymnasium")
    taught = TaughtEnvs(LEVEL, view=view, n_envs=3, seed=5)
    expected, rows = seen.reset(), np.arange(3)
    for _ in range(12):  # episodes end meanwhile
        shown = taught.observe(rows)
        np.testing.assert_equal(shown, expected)
        actions = taught.ask(rows)
        taught.step(rows, actions)
        expected = seen.step(actions)[0]
    assert taught.episodes > 0
    seen.close()
    taught.close()


@pytest.mark.parametrize(
    "level",
    [
        LEVEL,
        "BabyAI-GoToRedBallGrey-v0",
        "BabyAI-PickupLoc-v0",
        "BabyAI-PutNextLocalS5N3-v0",
        "BabyAI-GoToObj-v0",
    ],
)
def test_the_bot_solves_the_levels(level):
    envs = TaughtEnvs(level, n_envs=4, seed=1)
    play(envs, 40)
    assert envs.episodes == envs.successes > 4
    assert envs.unanswered == 0


def test_what_the_bot_cannot_do_ends_episodes_and_is_counted():
    envs = TaughtEnvs("BabyAI-KeyInBox-v0", n_envs=2, seed=1)
    play(envs, 20)
    assert 0 < envs.unanswered == envs.episodes
    assert envs.successes == 0


def test_rows_that_are_not_asked_stay_where_they_are():
    envs, rows = TaughtEnvs(LEVEL, n_envs=3, seed=2), np.arange(3)
    before = envs.observe(rows)["entities"]
    envs.step(rows[:1], envs.ask(rows[:1]))
    after = envs.observe(rows)["entities"]
    np.testing.assert_array_equal(after[1:], before[1:])


def test_the_bot_answers_in_states_that_others_led_to():
    envs, rows, rng = TaughtEnvs(LEVEL, n_envs=4, seed=2), np.arange(4), np.random.default_rng(0)
    for _ in range(60):
        answers = envs.ask(rows)
        known = answers != NO_ANSWER
        envs.step(rows[known], rng.integers(0, 3, known.sum()))
    assert envs.unanswered < 4


def test_an_opened_box_is_beyond_the_bot(episode):
    adviser = Adviser(episode)
    episode.grid.set(*episode.front_pos, Box("red"))
    assert adviser.advise() is not None
    episode.step(TOGGLE)
    assert adviser.advise(TOGGLE) is None
    assert adviser.advise(0) is None  # for the rest of the episode


class Endless(Subgoal):
    """Has to be done before itself."""

    def replan_before_action(self):
        self.bot.stack.append(Endless(self.bot))


def test_a_plan_without_an_end_is_no_answer(episode):
    adviser = Adviser(episode)
    assert adviser.advise() is not None
    adviser._bot.stack.append(Endless(adviser._bot))
    assert adviser.advise() is None


def test_done_is_believed_once(episode):
    adviser = Adviser(episode)
    adviser.advise()
    adviser._bot.stack.clear()
    assert adviser.advise() == DONE
    assert adviser.advise(DONE) is None


@pytest.mark.parametrize(
    ("env_id", "says"),
    [
        ("MiniGrid-DoorKey-5x5-v0", "expected an environment of BabyAI"),
        ("BoxWorld-6x6-v0", "expected an environment of BabyAI"),
        ("BabyAI-GoToLocl-v0", "did you mean"),
    ],
)
def test_what_has_no_bot_is_refused(env_id, says):
    with pytest.raises(EnvironmentConfigError, match=says):
        check_bot(env_id)
