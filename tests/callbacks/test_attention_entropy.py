"""The entropy of attention becomes a term of the loss, and nothing else changes."""

import numpy as np
import pytest
import torch
from spaces_for_tests import SPACES, SampleEnv
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.logger import configure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention import AttentionEntropyCallback, AttentionExtractor, record
from rl_attention.errors import UserError
from rl_attention.nn import Probe
from rl_attention.recording.metrics import entropy

SPACE = SPACES["entities and mask"]
OPTIONS = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}
SETTINGS = {
    PPO: {"n_steps": 32, "batch_size": 32, "n_epochs": 2, "learning_rate": 3e-3},
    A2C: {"n_steps": 16, "learning_rate": 3e-3},
    DQN: {"buffer_size": 200, "learning_starts": 16, "learning_rate": 3e-3},
}


def make(algorithm=PPO, separate=False):
    policy_kwargs = {
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": OPTIONS,
    }
    if separate:
        policy_kwargs["share_features_extractor"] = False
    return algorithm(
        "MultiInputPolicy",
        SampleEnv(SPACE),
        seed=0,
        device="cpu",
        policy_kwargs=policy_kwargs,
        **SETTINGS[algorithm],
    )


def hooks(model):
    return sum(len(m._forward_hooks) for m in model.policy.modules() if isinstance(m, Probe))


def observations(n=32):
    SPACE.seed(5)
    samples = [SPACE.sample() for _ in range(n)]
    return {key: np.stack([s[key] for s in samples]) for key in samples[0]}


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_a_bonus_spreads_attention_and_a_penalty_sharpens_it(algorithm):
    found = {}
    for coef in (-3.0, 0.0, 3.0):
        model = make(algorithm).learn(320, callback=AttentionEntropyCallback(coef))
        maps = record(model, observations())
        found[coef] = np.mean([entropy(seen).mean() for seen in maps.values()])
        assert hooks(model) == 0
    assert found[-3.0] < found[0.0] - 0.01
    assert found[3.0] > found[0.0]


def test_no_weight_means_no_change_bit_for_bit():
    trained = [
        make().learn(64, callback=callback) for callback in (None, AttentionEntropyCallback(0.0))
    ]
    first, second = (model.policy.state_dict() for model in trained)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_the_gradient_is_that_of_the_loss_with_the_entropy_written_out():
    model = make()
    callback = AttentionEntropyCallback(0.5)
    _, started = model._setup_learn(64, callback)
    started.on_training_start({"total_timesteps": 64}, {})
    seen = []
    extractor = model.policy.features_extractor
    probes = [m for m in extractor.modules() if isinstance(m, Probe)]
    listening = [p.register_forward_hook(lambda _m, i, o: seen.append((o, *i[1:]))) for p in probes]
    batch = model.policy.obs_to_tensor(observations())[0]

    def gradient(loss):
        extractor.zero_grad()
        loss.backward()
        return [p.grad.clone() for p in extractor.parameters()]

    got = gradient(extractor(batch).square().mean())
    started.on_training_end()
    seen.clear()
    loss = extractor(batch).square().mean()
    for weights, query_mask, key_mask in seen:
        rows = query_mask & (key_mask.sum(dim=1, keepdim=True) > 1)
        safe = torch.where(weights > 0, weights, torch.ones_like(weights))
        each = -(weights * safe.log()).sum(dim=-1)  # B H Q
        loss = loss - 0.5 * each.permute(0, 2, 1)[rows].mean()
    expected = gradient(loss)
    for hook in listening:
        hook.remove()
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_separate_extractors_both_listen_and_a_target_network_never():
    model = make(separate=True)
    _, started = model._setup_learn(64, AttentionEntropyCallback(0.1))
    started.on_training_start({"total_timesteps": 64}, {})
    assert hooks(model) == 4
    model = make(DQN)
    _, started = model._setup_learn(64, AttentionEntropyCallback(0.1))
    started.on_training_start({"total_timesteps": 64}, {})
    assert hooks(model) == 2
    assert all(not m._forward_hooks for m in model.q_net_target.modules())
    # started anew, it does not listen twice
    started.on_training_start({"total_timesteps": 64}, {})
    assert hooks(model) == 2


def test_a_schedule_is_followed_and_logged(tmp_path):
    model = make()
    model.set_logger(configure(str(tmp_path), ["tensorboard"]))
    model.learn(128, callback=AttentionEntropyCallback(lambda left: -0.004 * left))
    model.logger.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    values = [event.value for event in events.Scalars("attention/ent_coef")]
    assert values == pytest.approx([-0.004, -0.003, -0.002, -0.001])


def test_the_gradient_of_a_gradient_is_left_alone():
    model = make()
    _, started = model._setup_learn(64, AttentionEntropyCallback(0.5))
    batch = model.policy.obs_to_tensor(observations())[0]
    extractor = model.policy.features_extractor

    def gradients():
        loss = extractor(batch).square().mean()
        return torch.autograd.grad(loss, list(extractor.parameters()), create_graph=True)

    before = gradients()
    started.on_training_start({"total_timesteps": 64}, {})
    after = gradients()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_policy_without_attention_is_refused():
    model = PPO("MultiInputPolicy", SampleEnv(SPACE), n_steps=16, batch_size=16)
    with pytest.raises(UserError, match="attention entropy: PPO has no attention"):
        model.learn(16, callback=AttentionEntropyCallback(0.001))
