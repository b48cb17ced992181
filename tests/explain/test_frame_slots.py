"""Rows and steps of past frames are taken out one by one."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from history_for_tests import ROWS, Parade
from spaces_for_tests import SampleEnv
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention import AttentionExtractor
from rl_attention.explain import explain
from rl_attention.explain.measuring import MeasuringOptions
from rl_attention.explain.removal import REMOVALS, make_removal
from rl_attention.explain.slots import Slots
from rl_attention.history import HistoryVecEnv

T = 3
COUNT = T * ROWS + T


def parades():
    made = [lambda n=n, some=some: Parade(n, some) for n, some in enumerate([(9, 4), (3,)])]
    return HistoryVecEnv(DummyVecEnv(made), T)


def model_of(way, extractor=AttentionExtractor):
    options = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 8, "frames": way}
    kwargs = {"features_extractor_class": extractor, "features_extractor_kwargs": options}
    kwargs = {} if extractor is None else kwargs
    return PPO(
        "MultiInputPolicy",
        parades(),
        seed=0,
        device="cpu",
        n_steps=8,
        batch_size=8,
        policy_kwargs=kwargs,
    )


def observe():
    env = parades()
    seen = [env.reset(), *(env.step(np.full(2, i % 3))[0] for i in range(8))]
    return {key: np.concatenate([one[key] for one in seen]) for key in seen[0]}


def removal_of(model, states, name="mask"):
    slots = Slots(model)
    empty = {found.name: np.zeros(found.token_size) for found in slots.sets}
    return slots, make_removal(name, slots, states, empty=empty, generator=np.random.default_rng(0))


@pytest.mark.parametrize("extractor", [AttentionExtractor, None])
def test_tokens_are_the_rows_of_all_steps_and_the_steps(extractor):
    states = observe()
    slots = Slots(model_of("entities", extractor))
    assert slots.n_tokens == COUNT
    expected = [states["frames_mask"].reshape(-1, T * ROWS), states["frames_steps"]]
    np.testing.assert_array_equal(slots.present(states), np.concatenate(expected, axis=1) == 1)


def test_a_summary_has_a_token_a_step():
    states = observe()
    slots = Slots(model_of("summary"))
    np.testing.assert_array_equal(slots.present(states), states["frames_steps"] == 1)


def test_the_newest_has_its_rows_and_the_steps():
    states = observe()
    slots = Slots(model_of("newest"))
    assert [found.n_tokens for found in slots.sets] == [ROWS, T]
    expected = [states["frames_mask"][:, -1], states["frames_steps"]]
    np.testing.assert_array_equal(slots.present(states), np.concatenate(expected, axis=1) == 1)


@pytest.mark.parametrize("name", ["mask", "empty"])
def test_the_step_of_now_is_taken_out_with_what_was_done_and_its_rows_stay(name):
    states = observe()
    _, removal = removal_of(model_of("newest"), states, name)
    assert (states["frames_actions"][:, -1] != 0).any()
    gone = np.zeros((len(states["frames"]), ROWS + T), bool)
    gone[:, [0, -1]] = True
    found = removal(states, np.arange(len(gone)), gone)
    assert not found["frames_actions"][:, -1].any()
    assert not found["frames_rewards"][:, -1].any()
    assert not found["frames"][:, -1, 0].any()
    assert found["frames_mask"][:, -1, 0].any() == (name == "empty")
    assert found["frames_steps"][:, -1].any() == (name == "empty")
    np.testing.assert_array_equal(found["frames"][:, -1, 1:], states["frames"][:, -1, 1:])
    for key in ("frames", "frames_mask", "frames_actions", "frames_rewards", "frames_steps"):
        np.testing.assert_array_equal(found[key][:, :-1], states[key][:, :-1])


@pytest.mark.parametrize("way", ["newest", "summary"])
def test_a_summed_step_is_resampled_whole(way):
    states = observe()
    slots, removal = removal_of(model_of(way), states, "resample")
    first = slots.n_tokens - T
    gone = np.zeros((len(states["frames"]), slots.n_tokens), bool)
    gone[:, first] = slots.present(states)[:, first]
    found = removal(states, np.arange(len(gone)), gone)
    parts = ("frames", "frames_mask", "frames_actions", "frames_rewards")
    whole, given = (
        [tuple(np.concatenate([seen[key][row, 0].ravel() for key in parts])) for row in rows]
        for seen, rows in ((found, np.flatnonzero(gone[:, first])), (states, range(len(gone))))
    )
    assert whole
    assert set(whole) <= set(given)
    before = [given[row] for row in np.flatnonzero(gone[:, first])]
    assert all(new != old for new, old in zip(whole, before, strict=True))


def test_one_frame_alone_has_its_rows_and_a_step():
    space = spaces.Box(-1.0, 1.0, (1, 4, 5), np.float32)
    options = {"width": 8, "n_heads": 2, "frames": "newest", "kind": "frames"}
    kwargs = {
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": options,
    }
    model = PPO("MlpPolicy", SampleEnv(space), device="cpu", policy_kwargs=kwargs)
    assert Slots(model).n_tokens == model.policy.features_extractor.tokenizer.n_tokens == 4 + 1


@pytest.mark.parametrize("slot", [0, T * ROWS - 1, ROWS + 1])
def test_a_row_of_a_past_frame_is_taken_out_alone(slot):
    states = observe()
    model = model_of("entities")
    slots, removal = removal_of(model, states)
    rows = np.flatnonzero(slots.present(states)[:, slot])
    gone = np.zeros((len(rows), COUNT), bool)
    gone[:, slot] = True
    found = removal(states, rows, gone)
    step, row = divmod(slot, ROWS)
    assert not found["frames_mask"][:, step, row].any()
    assert not found["frames"][:, step, row].any()
    found["frames_mask"][:, step, row] = 1
    found["frames"][:, step, row] = states["frames"][rows, step, row]
    for key, values in states.items():
        np.testing.assert_array_equal(found[key], values[rows])


def test_a_step_is_taken_out_with_what_was_done_and_its_rows_stay():
    states = observe()
    slots, removal = removal_of(model_of("entities"), states)
    gone = np.zeros((len(states["frames"]), COUNT), bool)
    gone[:, -1] = True
    found = removal(states, np.arange(len(gone)), gone)
    for key in ("frames_steps", "frames_actions", "frames_rewards"):
        assert not found[key][:, -1].any()
        np.testing.assert_array_equal(found[key][:, :-1], states[key][:, :-1])
    np.testing.assert_array_equal(found["frames_mask"], states["frames_mask"])
    np.testing.assert_array_equal(slots.present(found), slots.present(states) & ~gone)


@pytest.mark.parametrize("way", ["entities", "newest", "summary"])
@pytest.mark.parametrize("name", REMOVALS)
def test_what_is_not_taken_out_stays(name, way):
    states = observe()
    before = {key: value.copy() for key, value in states.items()}
    slots, removal = removal_of(model_of(way), states, name)
    real = slots.present(states)
    gone = real & (np.random.default_rng(1).random(real.shape) < 0.4)
    found = removal(states, np.arange(len(gone)), gone)
    for (part, where), (_, old) in zip(slots.split(gone), slots.split(real), strict=True):
        np.testing.assert_array_equal(part.tokens(found)[~where], part.tokens(states)[~where])
        np.testing.assert_array_equal(part.present(found)[~where], old[~where])
    for key, values in before.items():
        np.testing.assert_array_equal(states[key], values)


def test_the_network_does_not_see_what_was_taken_out():
    states = observe()
    model = model_of("entities")
    slots, removal = removal_of(model, states)
    real = slots.present(states)
    none = removal(states, np.arange(len(real)), real)
    tensors, _ = model.policy.obs_to_tensor(none)
    with torch.no_grad():
        tokens = model.policy.features_extractor.tokenizer(
            {key: value.float() for key, value in tensors.items()}
        ).entities.tokens
    assert len(tokens) == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["entities", "newest", "summary"])
def test_decisions_by_a_history_are_explained(way):
    found = explain(
        model_of(way), n_episodes=4, n_states=12, options=MeasuringOptions(n_random=2, sanity=False)
    )
    assert "attention" in found.maps
