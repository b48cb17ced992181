"""The replay of a model that reads past frames: tokens know their step, frames lie there once."""

import numpy as np
import pytest
from history_for_tests import ROWS, Parade
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention import AttentionExtractor
from rl_attention.explain import collect_states, make_replay
from rl_attention.explain.measuring import MeasuringOptions
from rl_attention.explain.replay import layers as replay_layers
from rl_attention.history import HistoryVecEnv
from rl_attention.viewer import unpack_weights

T, LENGTH = 4, 6
QUICK = MeasuringOptions(n_random=2, sanity=False)


def parades():
    return HistoryVecEnv(DummyVecEnv([lambda: Parade(0, (LENGTH,))]), T)


def replayed(way="entities", **options):
    small = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 8, "frames": way}
    model = PPO(
        "MultiInputPolicy",
        parades(),
        seed=0,
        device="cpu",
        n_steps=8,
        batch_size=8,
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": {**small, **options},
        },
    )
    states = collect_states(model, parades(), n_episodes=2)
    (run,) = make_replay(model, states, options=QUICK).runs
    return run, states


@pytest.fixture(scope="module")
def whole():
    return replayed()


def test_every_token_has_its_step(whole):
    run, _ = whole
    for step in run.steps:
        window = min(step.t + 1, T)
        for entity in step.entities:
            row = entity.slot < T * ROWS
            place = entity.slot // ROWS if row else entity.slot - T * ROWS
            assert entity.step == place + 1 - T
            assert entity.label.split()[0] == (str(entity.step) if entity.step else "now")
            assert entity.step > -window
            assert entity.box is None or entity.step == 0
        assert sum(entity.type == "step" for entity in step.entities) == window


def test_tokens_of_a_past_step_are_those_that_it_had_when_it_was_now(whole):
    run, _ = whole
    moments = {(step.episode, step.t): step for step in run.steps}
    for step in run.steps:
        for age in range(-min(step.t, T - 1), 0):
            tokens = [entity for entity in step.entities if entity.step == age]
            then = [e for e in moments[step.episode, step.t + age].entities if e.step == 0]
            names = [entity.label.split()[1] for entity in then]
            assert [entity.label.split()[1] for entity in tokens] == names


def test_every_frame_lies_there_once(whole):
    run, states = whole
    distinct = {frame.tobytes() for frame in states.probes.frames}
    assert len(run.frames) == len(distinct) < len(run.steps)


def test_past_tokens_have_numbers_of_every_map_and_a_decision_without_them(whole):
    run, _ = whole
    assert {"attention", "occlusion"} <= {found.id for found in run.maps}
    for step in run.steps:
        assert all(len(values) == len(step.entities) for values in step.values.values())
        assert len(step.without) == len(step.entities)
    past = [
        without.kl
        for step in run.steps
        for entity, without in zip(step.entities, step.without, strict=True)
        if entity.step < 0
    ]
    assert len(past) > 10


@pytest.mark.parametrize("way", ["entities", "newest", "summary"])
def test_words_read_past_tokens(way):
    run, _ = replayed(way, attention="words_to_entities")
    (index,) = (
        i
        for i, layer in enumerate(run.steps[-1].layers)
        if any(ref[0] == "w" for ref in layer.queries) and any(ref[0] == "e" for ref in layer.keys)
    )
    step = run.steps[-1]
    weights = step.layers[index]
    ages = {f"e{entity.slot}": entity.step for entity in step.entities}
    assert {ages[ref] for ref in weights.keys if ref in ages} == set(range(1 - T, 1))
    shape = (run.layers[index].heads, len(weights.queries), len(weights.keys))
    assert unpack_weights(weights.weights, shape).sum() > 0


def test_of_a_layer_with_too_many_weights_the_past_is_kept_as_what_is_read(whole, monkeypatch):
    run, _ = whole
    monkeypatch.setattr(replay_layers, "MOST_NUMBERS", 100)
    less, _ = replayed()
    for before, after in zip(run.steps, less.steps, strict=True):
        ages = {f"e{entity.slot}": entity.step for entity in before.entities}
        for layer, old, new in zip(run.layers, before.layers, after.layers, strict=True):
            shape = (layer.heads, len(old.queries), len(old.keys))
            kept = [
                row
                for row, ref in enumerate(old.queries)
                if row == 0 or np.prod(shape) <= 100 or ages.get(ref, 0) == 0
            ]
            assert new.keys == old.keys
            assert new.queries == [old.queries[row] for row in kept]
            numbers = unpack_weights(old.weights, shape)[:, kept]
            found = unpack_weights(new.weights, numbers.shape)
            np.testing.assert_array_equal(found, numbers)
    lengths = [len(step.layers[0].queries) for step in run.steps]
    assert min(len(step.layers[0].queries) for step in less.steps) < max(lengths)
