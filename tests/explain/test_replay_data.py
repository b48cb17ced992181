"""The data of a replay are those that were measured, also where there is little to see."""

import numpy as np
import pytest
from explain_samples import MODELS, make_subject
from handmade import SignEnv, draw_observations, make_handmade
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention.explain import States, collect_states, make_replay, measure
from rl_attention.recording import ProbeSet, label_layers, record
from rl_attention.viewer import unpack_weights


def states_of(model, probes):
    count = len(probes)
    actions, _ = model.predict(probes.observations, deterministic=True)
    return States(
        probes=probes,
        episodes=np.zeros(count, int),
        steps=np.arange(count),
        actions=actions,
        rewards=np.linspace(0, 1, count),
        dones=np.arange(count) == count - 1,
        successes=np.where(np.arange(count) == count - 1, 1.0, np.nan),
    )


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_can_be_replayed(name):
    subject = make_subject(name)
    states = states_of(subject.model, subject.states)
    (run,) = make_replay(subject.model, states, name=name).runs
    found = measure(subject.model, states.probes, states.episodes)
    for row, step in enumerate(run.steps):
        slots = np.flatnonzero(found.subject.present[row])
        assert [entity.slot for entity in step.entities] == slots.tolist()
        assert {map.id for map in run.maps} == set(step.values) == set(found.maps)
        for map, values in step.values.items():
            np.testing.assert_allclose(values, found.maps[map][row, slots], atol=1e-4)
        kl = [without.kl for without in step.without]
        np.testing.assert_allclose(kl, found.effects.kl[row, slots], atol=1e-4)
        assert (step.value is None) == (run.value_name is None)


def test_weights_are_those_that_were_recorded():
    model = make_handmade(honest=True)
    env = DummyVecEnv([lambda: SignEnv(6)])
    env.seed(0)
    states = collect_states(model, env, n_episodes=2)
    (run,) = make_replay(model, states, actions=SignEnv.action_names).runs
    (layer,) = label_layers(record(model, states.probes.observations), {}).values()
    for row, step in enumerate(run.steps):
        (found,) = step.layers
        assert found.queries == ["q"]
        real = np.flatnonzero(states.probes.observations["mask"][row])
        assert found.keys == [f"e{slot}" for slot in real]
        weights = unpack_weights(found.weights, (1, 1, len(real)))
        np.testing.assert_allclose(weights[0, 0], layer.weights[row, 0, 0, real], atol=0.5 / 255)
    assert run.actions == ["left", "right"]
    assert [step.done for step in run.steps] == states.dones.tolist()
    assert [step.success for step in run.steps if step.done] == [True, True]


def test_an_episode_without_entities_can_be_replayed():
    nothing = draw_observations(np.random.default_rng(0), 4)
    nothing["mask"][:] = 0
    model = make_handmade(honest=True)
    states = states_of(model, ProbeSet.from_observations(nothing))
    (run,) = make_replay(model, states).runs
    assert all(step.entities == [] and step.without == [] for step in run.steps)
