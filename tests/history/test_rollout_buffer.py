"""A buffer that keeps frames once gives what the one that keeps whole windows gives."""

import numpy as np
import pytest
import torch
from history_for_tests import Parade
from hypothesis import given
from hypothesis import strategies as st
from spaces_for_tests import SPACES, SampleEnv
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_attention import AttentionExtractor
from rl_attention.errors import UserError
from rl_attention.history import HistoryRolloutBuffer, HistoryVecEnv

SMALL = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 8}


def parades(lengths, n_frames, cls=Parade):
    made = [lambda n=n, some=some: cls(n, some) for n, some in enumerate(lengths)]
    return HistoryVecEnv(DummyVecEnv(made), n_frames)


def model_of(env, algorithm=PPO, buffer=None, **settings):
    sizes = {"n_steps": 8} if algorithm is A2C else {"n_steps": 8, "batch_size": 8, "n_epochs": 2}
    return algorithm(
        "MultiInputPolicy",
        env,
        seed=0,
        device="cpu",
        rollout_buffer_class=buffer,
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": SMALL,
            "net_arch": [8],
        },
        **{**sizes, **settings},
    )


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize("n_frames", [1, 3, 12])
def test_the_same_is_learned(algorithm, n_frames):
    weights = []
    for buffer in (DictRolloutBuffer, HistoryRolloutBuffer):
        model = model_of(parades([(2, 5), (7,), (30,)], n_frames), algorithm, buffer).learn(72)
        assert type(model.rollout_buffer) is buffer
        weights.append(dict(model.policy.named_parameters()))
    for name, value in weights[0].items():
        assert torch.equal(weights[1][name], value), name


lengths = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=3)


@given(lengths, st.integers(1, 7), st.integers(2, 9), st.integers(1, 20), st.integers(0, 99))
def test_minibatches_are_equal(lengths, n_frames, n_steps, size, seed):
    env = parades(lengths, n_frames)
    given = env.observation_space, env.action_space, "cpu", 0.9, 0.9, len(lengths)
    buffers = [cls(n_steps, *given) for cls in (DictRolloutBuffer, HistoryRolloutBuffer)]
    seen = env.reset()
    for rollout in range(3):  # the second begins amid an episode
        for buffer in buffers:
            buffer.reset()
        for step in range(n_steps):
            number = torch.full((len(lengths),), float(step))
            for buffer in buffers:
                buffer.add(
                    seen, number.numpy(), number.numpy(), number.numpy() == 0, number, number
                )
            seen = env.step(np.zeros(len(lengths), int))[0]
        drawn = []
        for buffer in buffers:
            np.random.seed(seed + rollout)  # noqa: NPY002
            drawn.append([batch for _ in range(2) for batch in buffer.get(size)])
        for whole, once in zip(*drawn, strict=True):
            assert list(whole.observations) == list(once.observations)
            for key, value in whole.observations.items():
                assert once.observations[key].dtype == value.dtype
                assert torch.equal(once.observations[key], value), key
            for field in whole._fields[1:]:
                assert torch.equal(getattr(once, field), getattr(whole, field))


def test_frames_are_kept_once():
    env = parades([(99,)], 50)
    model = model_of(env, buffer=HistoryRolloutBuffer)
    assert "frames" not in model.rollout_buffer.observations
    kept = sum(rows.nbytes for rows in model.rollout_buffer._rows.values())
    assert kept == (8 + 50 - 1) * (3 * 3 + 3)


def test_a_saved_model_comes_back_with_its_buffer(tmp_path):
    env = parades([(5,)], 3)
    model_of(env, buffer=HistoryRolloutBuffer).learn(16).save(tmp_path / "model")
    loaded = PPO.load(tmp_path / "model", env=env, device="cpu")
    assert type(loaded.rollout_buffer) is HistoryRolloutBuffer
    loaded.learn(16)


def test_frames_that_change_after_they_were_shown_are_refused():
    class Floats(Parade):
        def __init__(self, number, lengths):
            super().__init__(number, lengths)
            box = self.observation_space["entities"]
            self.observation_space["entities"] = type(box)(-1.0, 99.0, box.shape)

    env = VecNormalize(parades([(30,)], 3, Floats), norm_obs_keys=["frames"])
    model = model_of(env, buffer=HistoryRolloutBuffer)
    with pytest.raises(UserError, match="'frames' to show past frames as they were"):
        model.learn(16)
    left_out = VecNormalize(parades([(30,)], 3, Floats), norm_obs=False)
    model_of(left_out, buffer=HistoryRolloutBuffer).learn(16)


def test_observations_without_a_history_are_refused():
    with pytest.raises(UserError, match="expected observations of HistoryVecEnv, got none with"):
        model_of(SampleEnv(SPACES["entities and mask"]), buffer=HistoryRolloutBuffer)
