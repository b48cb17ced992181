"""What is in a window is told in words: each token has its step, and now alone has a place."""

import numpy as np
import pytest
from history_for_tests import ROWS, Parade
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_attention import AttentionExtractor, AttentionMapCallback, ProbeSet, draw
from rl_attention.callbacks.first_look import first_look
from rl_attention.errors import UserError
from rl_attention.explain.states import collect_states
from rl_attention.explain.subject import Subject
from rl_attention.history import HistoryVecEnv
from rl_attention.recording import complete, read_tokens

T = 3
SMALL = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 8}


def parades(lengths=((9,), (2,))):
    made = [lambda n=n, some=some: Parade(n, some) for n, some in enumerate(lengths)]
    return HistoryVecEnv(DummyVecEnv(made), T)


ROWS_ALONE = {"ignored_keys": ["frames_actions", "frames_rewards", "frames_steps"]}


def model_of(env, way, **logs):
    return PPO(
        "MultiInputPolicy",
        env,
        n_steps=8,
        batch_size=8,
        n_epochs=1,
        seed=0,
        device="cpu",
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": {
                **SMALL,
                **(ROWS_ALONE if way == "rows" else {"frames": way}),
            },
        },
        **logs,
    )


def ask(env):
    return env.env_method("describe_entities")


def test_who_asks_at_every_step_is_told_of_every_frame():
    env = parades()
    env.reset()
    ask(env)
    env.step(np.zeros(2, int))
    ask(env)
    env.step(np.zeros(2, int))
    first, second = ask(env)
    assert first["labels"] == [
        *("-2 1.0.0", "", ""),
        *("-1 1.1.0", "-1 1.1.1", ""),
        *("now 1.2.0", "now 1.2.1", "now 1.2.2"),
        *("-2 step", "-1 step", "now step"),
    ]
    assert first["types"] == [
        *("thing", "", ""),
        *("thing",) * 2,
        "",
        *("thing",) * 3,
        *("step",) * 3,
    ]
    # a new episode knows nothing of the last one
    assert second["labels"] == [*[""] * 6, *("now 2.0.0", "now 2.0.1", ""), "", "", "now step"]
    assert second["types"][-3:] == ["", "", "step"]


def test_what_an_edit_would_say_is_not_remembered():
    env, twin = parades(((9,), (9,))), parades(((9,), (9,)))
    for one in (env, twin):
        one.reset()
        ask(one)
        one.step(np.zeros(2, int))
        ask(one)
    imagined = {"labels": ["other"] * ROWS, "types": ["other"] * ROWS}
    for parade in env.venv.envs:
        parade.edit_entities = lambda edit: {
            "observation": {"entities": np.zeros((ROWS, 3)), "mask": [1] * ROWS, "mission": [0, 0]},
            "description": imagined,
        }
    edited = env.env_method("edit_entities", "any")[0]["description"]
    assert edited["labels"][3:9] == ["-1 1.0.0", "", "", *["now other"] * ROWS]
    for _ in range(T):
        assert [told["labels"] for told in ask(env)] == [told["labels"] for told in ask(twin)]
        for one in (env, twin):
            one.step(np.zeros(2, int))


def test_the_picture_and_the_places_are_those_of_now():
    env = parades()
    env.reset()
    env.step(np.zeros(2, int))
    (first, _) = ask(env)
    assert first["frame"][0, 0, 0] == 1
    assert first["mission"] == "go"
    assert not first["boxes"][: 2 * ROWS].any()
    assert first["boxes"][2 * ROWS].tolist() == [0, 0, 2, 2]
    assert not first["boxes"][3 * ROWS :].any()
    assert first["labels"][ROWS : 2 * ROWS] == [""] * ROWS  # nobody asked then


def test_an_answer_of_another_length_is_refused():
    class Short(Parade):
        def describe_entities(self):
            return {"labels": ["one"]}

    env = HistoryVecEnv(DummyVecEnv([Short]), 2)
    env.reset()
    with pytest.raises(UserError, match="'labels' must have one item for each of the 3 rows"):
        ask(env)


STEPS = {
    "entities": [*np.repeat([-2, -1, 0], ROWS), -2, -1, 0],
    "newest": [*[0] * ROWS, -2, -1, 0],
    "summary": [-2, -1, 0],
    "rows": [*np.repeat([-2, -1, 0], ROWS)],
}
"""From the way past frames are read to the step of each token; `rows`: entities, and no steps."""


@pytest.mark.parametrize("way", STEPS)
def test_every_token_has_its_step_and_a_name(way):
    env = parades()
    model = model_of(env, way)
    tokens = read_tokens(model.policy.features_extractor)
    states = collect_states(model, env, n_episodes=2).probes
    shown = complete(states, tokens)
    steps = STEPS[way]
    assert shown.steps.tolist() == [steps] * len(states)
    for row, labels in enumerate(shown.labels):
        for label, step in zip(labels, steps, strict=True):
            assert label.split()[0] == ("now" if step == 0 else str(step)), row
    assert (shown.labels[:, -1] == "now step").all() == (way != "rows")
    if way != "summary":
        n_steps = 0 if way == "rows" else T
        assert shown.labels[0, len(steps) - n_steps - ROWS] == "now 1.0.0"
    assert ProbeSet.from_observations(states.observations).steps is None


def test_names_where_the_environment_says_nothing():
    env = parades()
    for way, steps in STEPS.items():
        (found,) = read_tokens(model_of(env, way).policy.features_extractor)
        assert found.count == len(found.names) == len(steps)
        if way != "rows":
            assert found.names[-3:] == ["-2 step", "-1 step", "now step"]
        assert found.n_described == T * ROWS + T
    assert found.kind == "frames"
    (found,) = read_tokens(model_of(env, "entities").policy.features_extractor)
    assert found.names[:4] == ["-2 entity 0", "-2 entity 1", "-2 entity 2", "-1 entity 0"]


@pytest.mark.parametrize("way", STEPS)
def test_names_reach_the_maps_of_a_training(way, tmp_path):
    env = parades()
    model = model_of(env, way)
    callback = AttentionMapCallback(snapshots=2, folder=tmp_path)
    model.learn(16, callback=callback)
    assert callback.probes.labels is not None
    model._last_obs = env.reset()
    found = first_look(model, n_tokens=T * ROWS + T)
    assert found.labels[0].tolist().count("now step") == 1


@pytest.mark.parametrize("way", STEPS)
def test_maps_of_the_past_are_drawn_beside_the_picture(way):
    env = parades()
    model = model_of(env, way)
    states = collect_states(model, env, n_episodes=2).probes
    taller = draw(model, states.take([1]))
    bare = ProbeSet.from_observations(states.take([1]).observations)
    assert taller.shape[0] > draw(model, bare).shape[0]


def test_probes_keep_the_steps_in_a_file(tmp_path):
    env = parades()
    model = model_of(env, "entities")
    states = collect_states(model, env, n_episodes=2).probes
    shown = complete(states, read_tokens(model.policy.features_extractor))
    shown.save(tmp_path / "probes.npz")
    kept = ProbeSet.load(tmp_path / "probes.npz")
    np.testing.assert_array_equal(kept.steps, shown.steps)
    assert kept.digest == shown.digest
    assert shown.take([0]).steps.shape == (1, T * ROWS + T)


def test_a_subject_of_explanations_knows_the_steps():
    env = parades()
    model = model_of(env, "entities")
    subject = Subject(model, collect_states(model, env, n_episodes=2).probes)
    assert subject.present.shape[1] == subject.states.steps.shape[1] == T * ROWS + T
