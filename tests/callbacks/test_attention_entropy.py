"""The entropy of attention becomes a term of the loss, and nothing else changes."""

import copy

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


@pytest.mark.slow
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


def updating(model, coef):
    """Bring a model to where its updates begin."""
    _, callback = model._setup_learn(64, AttentionEntropyCallback(coef))
    callback.on_training_start({"total_timesteps": 64}, {})
    callback.on_rollout_end()
    return callback


def test_the_gradient_is_that_of_the_loss_with_the_entropy_written_out():
    model = make()
    callback = updating(model, 0.5)
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
    callback.on_rollout_start()
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
    updating(model, 0.1)
    assert hooks(model) == 4
    model = make(DQN)
    callback = updating(model, 0.1)
    assert hooks(model) == 2
    assert all(not m._forward_hooks for m in model.q_net_target.modules())
    callback.on_rollout_end()  # it does not listen twice
    assert hooks(model) == 2
    callback.on_rollout_start()  # nor while it acts
    assert hooks(model) == 0


def loss_gradient(model):
    batch = model.policy.obs_to_tensor(observations())[0]
    extractor = model.policy.features_extractor
    loss = extractor(batch).square().mean()
    return torch.autograd.grad(loss, list(extractor.parameters()), allow_unused=True)


def test_an_update_that_was_broken_off_leaves_nothing_behind():
    model = make()
    plain = loss_gradient(model)
    updating(model, 5.0)  # and never taken back
    model.num_timesteps += 1
    after = loss_gradient(model)
    assert all(torch.equal(one, other) for one, other in zip(plain, after, strict=True))


def test_a_copy_of_a_policy_in_the_middle_of_an_update_is_free_of_the_term(tmp_path):
    model = make()
    plain = loss_gradient(model)
    updating(model, 5.0)
    assert not torch.equal(loss_gradient(model)[0], plain[0])
    torch.save(model.policy.features_extractor, tmp_path / "extractor.pt")
    stored = torch.load(tmp_path / "extractor.pt", weights_only=False)
    model.policy.features_extractor = copy.deepcopy(model.policy).features_extractor
    assert torch.equal(loss_gradient(model)[0], plain[0])
    model.policy.features_extractor = stored
    assert torch.equal(loss_gradient(model)[0], plain[0])


def test_a_schedule_is_followed_and_logged(tmp_path):
    model = make()
    model.set_logger(configure(str(tmp_path), ["tensorboard"]))
    model.learn(128, callback=AttentionEntropyCallback(lambda left: -0.004 * left))
    model.logger.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    values = [event.value for event in events.Scalars("attention/ent_coef")]
    assert values == pytest.approx([-0.003, -0.002, -0.001, 0.0])


def test_what_cannot_be_regularised_is_refused():
    model = make()
    model.cg_max_steps = 15  # sb3-contrib's TRPO has it
    with pytest.raises(UserError, match="PPO takes no plain gradient step"):
        model.learn(64, callback=AttentionEntropyCallback(0.1))
    model = make()
    model.policy.features_extractor.compile(backend="eager")
    with pytest.raises(UserError, match="is compiled"):
        model.learn(64, callback=AttentionEntropyCallback(0.1))


@pytest.mark.parametrize("coef", ["lin_0.1", float("nan"), None, True])
def test_a_weight_that_is_none_is_refused_at_once(coef):
    with pytest.raises(UserError, match="ent_coef must be a finite number or a function"):
        AttentionEntropyCallback(coef)


def test_a_policy_without_attention_is_refused():
    model = PPO("MultiInputPolicy", SampleEnv(SPACE), n_steps=16, batch_size=16)
    with pytest.raises(UserError, match="attention entropy: PPO has no attention"):
        model.learn(16, callback=AttentionEntropyCallback(0.001))
