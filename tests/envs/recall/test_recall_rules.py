"""The rules for all environments at once, against one environment played plainly."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recall_parts import PlainRecall, Rememberer, params, things_of

from rl_attention_envs import make_vec_env
from rl_attention_envs.recall import RECALL_VIEWS, RecallParams, make_recall_vec_env
from rl_attention_envs.recall.episodes import draw_episode
from rl_attention_envs.seeding import spread_seed

QUICK = RecallParams(distance=3)


class Plain:
    """Environments of the reference, one after the other, on generators of their own."""

    def __init__(self, world, seed, n_envs):
        self.world = world
        self.generators = [np.random.default_rng(one) for one in spread_seed(seed, n_envs)]
        self.games = [self.begin(index) for index in range(n_envs)]

    def begin(self, index):
        return PlainRecall(draw_episode(self.world, self.generators[index]))


@settings(max_examples=20, deadline=None)
@given(params(), st.integers(0, 1000), st.integers(1, 4))
def test_vector_and_reference_agree(world, seed, n_envs):
    venv = make_recall_vec_env(world, n_envs=n_envs, seed=seed)
    plain, rng = Plain(world, seed, n_envs), np.random.default_rng(seed)
    shown = venv.reset()
    for _ in range(3 * world.length + 1):
        for index, game in enumerate(plain.games):
            found = things_of(shown["entities"][index], shown["mask"][index])
            assert found == game.things()
        # half of the answers are right
        actions = rng.integers(world.n_colours, size=n_envs)
        knows = rng.random(n_envs) < 0.5
        actions[knows] = [
            game.right for game, known in zip(plain.games, knows, strict=True) if known
        ]
        shown, rewards, dones, infos = venv.step(actions)
        for index, game in enumerate(plain.games):
            reward, over, solved = game.act(actions[index])
            assert (rewards[index], dones[index]) == (reward, over)
            if over:
                assert infos[index]["is_success"] is bool(solved)
                assert infos[index]["episode"]["l"] == world.distance + 1
                last = infos[index]["terminal_observation"]
                assert things_of(last["entities"], last["mask"]) == game.things()
                plain.games[index] = plain.begin(index)


@pytest.mark.parametrize("view", RECALL_VIEWS)
def test_one_plain_environment_is_a_vector_of_one(view):
    venv = make_recall_vec_env(QUICK, view=view, seed=7)
    env = gymnasium.make("rl_attention_envs:Recall-8-v0", view=view, distance=3)
    shown, ended = venv.reset(), 0
    one, _ = env.reset(seed=spread_seed(7, 1)[0])
    for action in np.random.default_rng(0).integers(4, size=60):
        np.testing.assert_equal({key: values[0] for key, values in shown.items()}, one)
        shown, rewards, dones, infos = venv.step([action])
        one, reward, terminated, truncated, info = env.step(action)
        assert (rewards[0], dones[0], False) == (reward, terminated, truncated)
        if terminated:
            np.testing.assert_equal(infos[0]["terminal_observation"], one)
            assert info == {"is_success": infos[0]["is_success"]}
            one, _ = env.reset()
            ended += 1
    assert ended == 15


def successes(env_id, act, episodes):
    """How often each of 64 environments is solved in some episodes."""
    venv = make_vec_env(env_id, n_envs=64, seed=1)
    shown, solved = venv.reset(), []
    while len(solved) < 64 * episodes:
        shown, _, dones, infos = venv.step(act(shown["entities"]))
        solved += [infos[index]["is_success"] for index in np.flatnonzero(dones)]
    return np.mean(solved)


def test_memory_solves_it_and_without_memory_there_is_chance():
    assert successes("Recall-8-v0", Rememberer(64).act, 5) == 1.0
    rng = np.random.default_rng(0)
    policies = {
        "guess": lambda entities: rng.integers(4, size=64),
        "constant": lambda entities: np.full(64, 2),
        # the colour, place and number of what is in sight decide
        "reflex": lambda entities: (entities[:, :4].sum(axis=(1, 2)) + entities[:, 0, 3]) % 4,
    }
    for name, act in policies.items():
        # four standard deviations of 1280 guesses by chance are 0.05
        assert abs(successes("Recall-8-v0", act, 20) - 0.25) < 0.05, name


def test_an_answer_before_the_question_does_nothing():
    worlds = [make_recall_vec_env(QUICK, n_envs=3, seed=2) for _ in range(2)]
    for venv in worlds:
        venv.reset()
    for _ in range(3):
        one, other = (
            venv.step(np.full(3, action)) for venv, action in zip(worlds, (0, 3), strict=True)
        )
        np.testing.assert_equal(one[:3], other[:3])
        assert not one[1].any()
