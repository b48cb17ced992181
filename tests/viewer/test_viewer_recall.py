"""A model that reads a window of a real task, from a short training to the page."""

import re

import numpy as np
import pytest
from stable_baselines3 import PPO
from viewer_browser import Shown

from rl_attention import AttentionExtractor, draw
from rl_attention.explain import collect_states, make_replay
from rl_attention.explain.measuring import MeasuringOptions
from rl_attention.history import HistoryRolloutBuffer, HistoryVecEnv
from rl_attention.viewer.pictures import save_png
from rl_attention_envs import make_vec_env

pytestmark = pytest.mark.slow

T = 10


def recall(n_envs=8, seed=0):
    return HistoryVecEnv(make_vec_env("Recall-8-v0", n_envs=n_envs, seed=seed), T)


@pytest.fixture(scope="module", params=["entities", "newest", "summary"])
def played(request, tmp_path_factory):
    """The states of two episodes after a few updates, their replay, and its page."""
    options = {"width": 16, "n_heads": 2, "feedforward": 32, "features_dim": 32}
    model = PPO(
        "MultiInputPolicy",
        recall(),
        n_steps=18,
        batch_size=72,
        n_epochs=1,
        seed=0,
        device="cpu",
        rollout_buffer_class=HistoryRolloutBuffer,
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": {**options, "frames": request.param},
        },
    )
    model.learn(3 * 18 * 8)
    states = collect_states(model, recall(1, seed=1), n_episodes=2)
    measured = MeasuringOptions(n_random=2, sanity=False)
    replay = make_replay(model, states, env="Recall-8-v0", options=measured)
    folder = tmp_path_factory.mktemp(request.param)
    replay.save_html(folder / "replay.html")
    return request.param, model, states, replay, folder


def test_the_cue_is_found_in_the_past(played):
    way, _, states, replay, _ = played
    (run,) = replay.runs
    assert len(run.frames) == len({frame.tobytes() for frame in states.probes.frames})
    asked = run.steps[8]  # the question, eight steps after the cue
    assert {entity.step for entity in asked.entities} == set(range(-8, 1))
    cues = [entity.label for entity in asked.entities if entity.step == -8]
    if way != "entities":  # one token a step of the past
        assert cues == ["-8 step"]
    else:
        assert len(cues) == 2
        assert re.fullmatch(r"-8 cue \w+", cues[0])
    (i,) = (k for k, e in enumerate(asked.entities) if e.label == cues[0])
    for name in ("attention", "occlusion", "gradient"):
        assert np.isfinite(asked.values[name][i])


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_shows_it(width, played, browser):
    _, _, _, replay, folder = played
    (run,) = replay.runs
    step = run.steps[8]
    shown = Shown(browser, folder / "replay.html", "#step=8&past=-8", width=width)
    shown.settle()
    rows = [i for i, entity in enumerate(step.entities) if entity.step == -8]
    for i in rows:
        here = f"#panels tr[data-ref=e{step.entities[i].slot}]"
        assert shown.texts(f"{here} .label") == [step.entities[i].label]
        for found in run.maps:
            (text,) = shown.texts(f"{here} [data-map='{found.id}']")
            assert float(text) == pytest.approx(step.values[found.id][i], abs=5.1e-4)
    assert shown.page.locator("#panels tr[data-ref]").count() == len(rows)
    then = shown.pixels("#panels .strip-panel[data-step='-8'] canvas")
    assert len(np.unique(then.reshape(-1, 4), axis=0)) > 3
    assert shown.overflow() <= 0
    assert shown.errors == []
    shown.close()


def test_pictures_have_one_size(played):
    _, model, states, replay, folder = played
    save_png(replay, folder / "step.png", step=8)
    probes = states.probes.take([8])
    before = draw(model, probes)
    assert before.shape == draw(model, probes).shape
