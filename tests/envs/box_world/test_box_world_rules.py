"""The rules by hand on a small level, and both ways to play them side by side."""

import numpy as np
import pytest
from box_world_parts import (
    BLUE,
    DOWN,
    GREEN,
    HAND_LEVEL,
    HAND_PARAMS,
    LEFT,
    RED,
    RIGHT,
    UP,
    next_action,
    params,
    solve,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_attention_envs import EnvironmentConfigError
from rl_attention_envs.box_world import PRESETS, BoxWorldParams, Level
from rl_attention_envs.box_world.generator import draw_levels
from rl_attention_envs.box_world.gym_env import BoxWorldEnv
from rl_attention_envs.box_world.rules import begin, step
from rl_attention_envs.box_world.vec_env import BoxWorldVecEnv
from rl_attention_envs.box_world.views import BOX_WORLD_VIEWS, make_box_world_view
from rl_attention_envs.seeding import spread_seed

TAKE_RED = [RIGHT, RIGHT]
OPEN_RED = [LEFT, DOWN]
TAKE_GREEN = [LEFT]
OPEN_GREEN = [DOWN, RIGHT, DOWN]


class Single:
    """The hand-drawn level in the reference."""

    def __init__(self, **changes):
        self.env = BoxWorldEnv(**{**HAND_PARAMS, **changes})
        self.observation = self.env.reset(seed=0, options={"level": HAND_LEVEL})[0]

    def step(self, action):
        shown, reward, terminated, truncated, info = self.env.step(action)
        self.observation = shown
        return reward, terminated, truncated, info.get("is_success")


class Many:
    """The same level in the second of three environments."""

    def __init__(self, **changes):
        world = BoxWorldParams(**{**HAND_PARAMS, **changes})
        self.env = BoxWorldVecEnv(make_box_world_view("entities", world), n_envs=3)
        self.observation = {k: v[1] for k, v in self.env.reset_to([HAND_LEVEL] * 3).items()}

    def step(self, action):
        shown, rewards, dones, infos = self.env.step(np.array([UP, action, UP]))
        self.observation = {key: values[1] for key, values in shown.items()}
        if dones[1]:
            self.observation = infos[1]["terminal_observation"]
        truncated = infos[1]["TimeLimit.truncated"]
        return rewards[1], dones[1] and not truncated, truncated, infos[1].get("is_success")


BOTH = pytest.mark.parametrize("make", [Single, Many])


def play(world, actions):
    """Take the actions; return the last outcome, having checked that none before it mattered."""
    for action in actions[:-1]:
        assert world.step(action) == (0, False, False, None)
    return world.step(actions[-1])


@BOTH
def test_the_solution_step_by_step(make):
    world = make()
    assert (world.observation["agent"].tolist(), world.observation["held"]) == ([1, 0], 0)
    assert play(world, TAKE_RED) == (0, False, False, None)
    assert world.observation["held"] == RED
    assert play(world, OPEN_RED) == (1, False, False, None)
    assert (world.observation["agent"].tolist(), world.observation["held"]) == ([2, 1], 0)
    assert play(world, TAKE_GREEN) == (0, False, False, None)
    assert world.observation["held"] == GREEN
    assert play(world, OPEN_GREEN) == (1, False, False, None)
    assert play(world, [LEFT]) == (10, True, False, True)
    assert world.observation["held"] == 0


@BOTH
def test_a_box_that_leads_nowhere_ends_the_level(make):
    world = make()
    play(world, TAKE_RED)
    assert play(world, [DOWN, RIGHT, RIGHT, DOWN, DOWN]) == (-1, True, False, False)
    rows = world.observation["entities"][world.observation["mask"] == 1]
    # the box is open: its key lies there
    assert rows[:, 0].tolist() == [2, 2, 1]
    assert rows[2, 1:].tolist() == [0, BLUE, -1, 0]


@BOTH
def test_walls_locks_without_a_key_and_closed_contents_stop_the_agent(make):
    world = make()
    for action, place in [
        (LEFT, [1, 0]),  # the wall
        (DOWN, [1, 0]),  # the green key is still locked in
        (RIGHT, [1, 1]),
        (DOWN, [1, 1]),  # no key for the red lock
        (UP, [0, 1]),
        (UP, [0, 1]),
    ]:
        assert world.step(action) == (0, False, False, None)
        assert world.observation["agent"].tolist() == place


@BOTH
def test_a_key_opens_its_own_colour_alone(make):
    world = make()
    play(world, [*TAKE_RED, DOWN, DOWN, LEFT, DOWN])
    assert world.observation["agent"].tolist() == [3, 1]
    assert world.observation["held"] == RED


@BOTH
def test_rewards_are_scaled(make):
    world = make(reward_scale=0.1)
    play(world, TAKE_RED)
    assert play(world, OPEN_RED)[0] == pytest.approx(0.1)
    play(world, TAKE_GREEN)
    assert play(world, OPEN_GREEN)[0] == pytest.approx(0.1)
    assert play(world, [LEFT])[0] == pytest.approx(1.0)


@BOTH
def test_the_time_limit_truncates_unless_the_gem_is_taken_in_its_last_step(make):
    actions = [*TAKE_RED, *OPEN_RED, *TAKE_GREEN, *OPEN_GREEN, LEFT]
    short, just = make(max_steps=len(actions) - 1), make(max_steps=len(actions))
    for action in actions[:-1]:
        last = short.step(action)
        just.step(action)
    assert last == (1, False, True, False)
    assert just.step(LEFT) == (10, True, False, True)


def test_levels_that_do_not_fit_are_refused():
    world = BoxWorldParams(size=5, solution_length=1, n_branches=0)
    venv = BoxWorldVecEnv(make_box_world_view("entities", world), n_envs=2)
    for levels, message in [
        ([HAND_LEVEL], "reset_to: expected 2 levels"),
        ([HAND_LEVEL] * 2, "level: expected at most 1 boxes, got 3"),
        ([Level((5, 0), (0, 0), 1, ())] * 2, "level: expected rows and columns from 0 to 4"),
    ]:
        with pytest.raises(EnvironmentConfigError, match=message):
            venv.reset_to(levels)
    env = BoxWorldEnv(size=5, solution_length=1, n_branches=0)
    with pytest.raises(EnvironmentConfigError, match="at most 1 boxes"):
        env.reset(options={"level": HAND_LEVEL})


@settings(deadline=None, max_examples=25)
@given(params(), st.integers(0, 2**32 - 1))
def test_the_solvers_actions_earn_every_reward_of_a_level(world, seed):
    drawn = draw_levels(world, np.random.default_rng(seed), 4)
    for row in range(4):
        actions, boxes = solve(drawn.level(row, world.size), world.size)
        state = begin(drawn.take([row]), world.size)
        outcomes = [step(state, np.array([action]), world.size) for action in actions]
        assert [bool(o.terminated[0]) for o in outcomes] == [False] * (len(actions) - 1) + [True]
        assert outcomes[-1].success[0]
        assert sum(float(o.rewards[0]) for o in outcomes) == 10 + len(boxes)


@settings(deadline=None, max_examples=25)
@given(params(), st.integers(0, 2**32 - 1))
def test_a_batch_of_one_is_as_a_row_of_many(world, seed):
    rng = np.random.default_rng(seed)
    state = begin(draw_levels(world, rng, 6), world.size)
    alone = [state.rows([row]) for row in range(6)]
    for actions in rng.integers(4, size=(40, 6)):
        together = step(state, actions, world.size)
        for row in range(6):
            single = step(alone[row], actions[[row]], world.size)
            for one, many in zip(single, together, strict=True):
                assert one[0] == many[row]
    for row in range(6):
        np.testing.assert_equal(vars(alone[row]), vars(state.rows([row])))


def same(one, other):
    assert list(one) == list(other)
    for key, values in one.items():
        assert np.asarray(values).dtype == np.asarray(other[key]).dtype
        np.testing.assert_array_equal(values, other[key])


@pytest.mark.parametrize("view", BOX_WORLD_VIEWS)
@pytest.mark.parametrize("env_id", ["BoxWorld-6x6-v0", "BoxWorld-8x8-v0", "BoxWorld-12x12-v0"])
def test_the_fast_environments_step_as_the_reference(env_id, view):
    world = PRESETS[env_id]
    venv = BoxWorldVecEnv(make_box_world_view(view, world), n_envs=3, seed=11)
    singles = [BoxWorldEnv(view=view, **vars(world)) for _ in range(3)]
    assert singles[0].observation_space == venv.observation_space
    assert singles[0].action_space == venv.action_space
    shown = venv.reset()
    for i, (env, seed) in enumerate(zip(singles, spread_seed(11, 3), strict=True)):
        same(env.reset(seed=seed)[0], {key: values[i] for key, values in shown.items()})
    rng = np.random.default_rng(5)
    ends = {"gem": 0, "wrong": 0, "time": 0}
    for t in range(700):
        # the third environment is played at random, so that it runs into its limit
        played = [
            next_action(env._game, world.size, wrong=t % 3 == 0)
            if rng.random() < 0.8
            else int(rng.integers(4))
            for env in singles[:2]
        ]
        actions = np.array([*played, rng.integers(4)])
        shown, rewards, dones, infos = venv.step(actions)
        for i, env in enumerate(singles):
            own, reward, terminated, truncated, info = env.step(actions[i])
            assert rewards[i] == np.float32(reward)
            assert dones[i] == (terminated or truncated)
            assert infos[i]["TimeLimit.truncated"] is truncated
            if dones[i]:
                assert infos[i]["is_success"] is info["is_success"]
                same(infos[i]["terminal_observation"], own)
                ends["time" if truncated else "gem" if info["is_success"] else "wrong"] += 1
                own, _ = env.reset()
            same(own, {key: values[i] for key, values in shown.items()})
    assert min(ends.values()) > 0, ends
