"""Curves of faithfulness are logged beside the maps, and training does not notice."""

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention import AttentionExtractor, AttentionMapCallback
from rl_attention.recording import ProbeSet
from rl_attention_envs import empty_token, make_probes, make_vec_env

TAGS = [
    "F",
    "comprehensiveness",
    "sufficiency",
    "kl_top1",
    "kl_random",
    "flip_top1",
    "flip_random",
    "top1_hit",
    "polarity_violation",
    "tau",
    "sensitive",
]
ENV = "BabyAI-GoToLocal-v0"


def train(folder, view, **options):
    torch.manual_seed(0)
    env = make_vec_env(ENV, n_envs=2, view=view)
    model = PPO(
        "MultiInputPolicy",
        env,
        n_steps=32,
        batch_size=32,
        n_epochs=1,
        seed=0,
        device="cpu",
        tensorboard_log=str(folder),
        policy_kwargs={"features_extractor_class": AttentionExtractor},
    )
    with torch.no_grad():
        model.policy.action_net.weight *= 300  # SB3 begins with actions that are all alike
    probes = ProbeSet(**make_probes(ENV, view=view, n_probes=3))
    model.learn(128, callback=AttentionMapCallback(probes, snapshots=2, **options))
    env.close()
    (written,) = folder.iterdir()
    return model, EventAccumulator(str(written)).Reload()


@pytest.mark.parametrize(
    ("view", "empty"),
    [("entities", None), pytest.param("cells", "cell", marks=pytest.mark.slow)],
)
def test_curves_are_written_at_every_snapshot(tmp_path, view, empty):
    _, events = train(tmp_path, view, empty=None if empty is None else empty_token(ENV, view))
    assert len(events.Scalars("faithfulness/sensitive")) == 2
    share = events.Scalars("faithfulness/sensitive")[-1].value
    assert share > 0
    for tag in TAGS:
        values = [event.value for event in events.Scalars(f"faithfulness/{tag}")]
        assert np.isfinite(values).all()
        if tag not in ("F", "tau", "comprehensiveness", "sufficiency"):
            assert min(values) >= 0


def test_training_does_not_notice(tmp_path):
    weights = []
    for name, wanted in (("with", True), ("without", False)):
        model, events = train(tmp_path / name, "entities", faithfulness=wanted)
        tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("faithfulness/")]
        assert bool(tags) == wanted
        weights.append(model.policy.state_dict())
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name
