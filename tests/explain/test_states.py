"""States are those that the model comes to, each episode whole and in order."""

from functools import partial

import numpy as np
import pytest
from handmade import SignEnv, draw_probes, make_handmade
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_attention.errors import UserError
from rl_attention.explain import MeasuringOptions, Subject, collect_states, explain


@pytest.fixture(scope="module")
def model():
    return make_handmade(honest=True)


def envs(count, lengths=(3, 5)):
    made = [lambda i=i: SignEnv(lengths[i % len(lengths)]) for i in range(count)]
    found = DummyVecEnv(made)
    found.seed(0)
    return found


@pytest.mark.parametrize(("n_episodes", "n_envs"), [(1, 1), (5, 2), (2, 3)])
def test_every_episode_is_whole(model, n_episodes, n_envs):
    states = collect_states(model, envs(n_envs), n_episodes=n_episodes)
    assert len(np.unique(states.episodes)) == n_episodes
    for episode in range(n_episodes):
        own = states.episodes == episode
        np.testing.assert_array_equal(states.steps[own], np.arange(own.sum()))
        np.testing.assert_array_equal(np.flatnonzero(states.dones[own]), [own.sum() - 1])
        assert states.successes[own][-1] == 1.0
        assert np.isnan(states.successes[own][:-1]).all()


def test_environments_play_the_same_number_of_episodes(model):
    states = collect_states(model, envs(2, lengths=(2, 9)), n_episodes=6)
    lengths = np.bincount(states.episodes)
    assert sorted(lengths) == [2, 2, 2, 9, 9, 9]


def test_actions_are_those_of_the_policy(model):
    states = collect_states(model, envs(2), n_episodes=4)
    actions, _ = model.predict(states.probes.observations, deterministic=True)
    np.testing.assert_array_equal(states.actions, actions)
    np.testing.assert_array_equal(states.rewards, states.actions)


def test_thinning_draws_states_in_order(model):
    states = collect_states(model, envs(2), n_episodes=8)
    few = states.thin(6, np.random.default_rng(0))
    assert len(few) == len(few.probes) == 6
    assert (np.diff(few.episodes) >= 0).all()
    assert states.thin(10_000, np.random.default_rng(0)) is states


def test_observations_are_kept_as_they_are_before_normalisation():
    model = make_handmade(honest=True)
    inner = envs(1)
    env = VecNormalize(inner, norm_obs_keys=["entities"], norm_reward=False)
    model.set_env(env)
    states = collect_states(model, env, n_episodes=4)
    sides = states.probes.observations["entities"][..., 2]
    assert set(np.unique(sides)) <= {-1.0, 0.0, 1.0}
    subject = Subject(model, states.probes)
    normalised = env.normalize_obs(states.probes.observations)
    tensors, _ = model.policy.obs_to_tensor(normalised)
    expected = model.policy.get_distribution(tensors).distribution.probs.detach().numpy()
    np.testing.assert_allclose(subject.decisions.probabilities[0], expected, atol=1e-6)


def test_no_episodes_and_no_end_are_refused(model):
    with pytest.raises(UserError, match="at least 1"):
        collect_states(model, envs(1), n_episodes=0)
    with pytest.raises(UserError, match="none did"):
        collect_states(model, envs(1), n_episodes=1, max_steps=2)
    with pytest.raises(UserError, match="can be edited"):
        collect_states(model, envs(1), n_episodes=1, edit="remove ball")


def test_states_need_not_be_of_episodes(model):
    assert len(Subject(model, draw_probes(0, 7))) == 7


def test_masked_and_unwrapped_are_refused(model):
    with pytest.raises(UserError, match="expected a vector environment, got SignEnv"):
        collect_states(model, SignEnv(), n_episodes=1)
    masked = MaskablePPO("MultiInputPolicy", SignEnv(), n_steps=8, batch_size=8, device="cpu")
    with pytest.raises(UserError, match="action masks"):
        _ = Subject(masked, draw_probes(0, 3)).decisions
    recurrent = RecurrentPPO("MultiInputLstmPolicy", SignEnv(), n_steps=8, batch_size=8)
    for ask in (explain, partial(collect_states, n_episodes=1)):
        with pytest.raises(UserError, match="a recurrent one"):
            ask(recurrent, env=object())  # before anything is played


def test_explaining_disturbs_neither_means_nor_training():
    model = make_handmade(honest=True)
    env = VecNormalize(envs(1), norm_obs_keys=["entities"], norm_reward=False)
    model.set_env(env)
    model.learn(16)
    means = env.obs_rms["entities"].mean.copy()
    explain(model, n_episodes=3, options=MeasuringOptions(maps=("attention",)))
    np.testing.assert_array_equal(env.obs_rms["entities"].mean, means)
    assert env.training
    model.learn(16, reset_num_timesteps=False)


def test_an_environment_whose_means_the_model_does_not_know_is_refused():
    env = VecNormalize(envs(1), norm_obs_keys=["entities"], norm_reward=False)
    with pytest.raises(UserError, match="knows the VecNormalize"):
        explain(make_handmade(honest=True), env, n_episodes=1)
