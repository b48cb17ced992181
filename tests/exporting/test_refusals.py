"""What cannot be exported is refused by name, and what would act otherwise is not written."""

import sys

import numpy as np
import pytest
import torch
from exports_for_tests import make
from gymnasium import spaces
from spaces_for_tests import SampleEnv
from stable_baselines3 import A2C
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_attention import export_onnx
from rl_attention.errors import UserError
from rl_attention.exporting import onnx_file
from rl_attention.exporting.policy import DeterministicPolicy, twin_of
from rl_attention.exporting.trial import draw_inputs

NUMBERS = spaces.Box(-1.0, 1.0, (3,))


def small(**options):
    return make("A2C", NUMBERS, **options)


def refusal(model, path):
    with pytest.raises(UserError) as caught:
        export_onnx(model, path)
    message = str(caught.value)
    assert message.startswith("export_onnx: ")
    assert "\n" not in message
    assert not path.exists()
    return message


class Deciding(BaseFeaturesExtractor):
    """What it computes depends on the data."""

    def __init__(self, observation_space):
        super().__init__(observation_space, 3)

    def forward(self, observations):
        return observations if observations.sum() > 0 else -observations


def test_a_policy_with_a_state_is_refused(tmp_path):
    message = refusal(make("RecurrentPPO", extractor={}), tmp_path / "policy.onnx")
    assert "RecurrentPPO" in message
    assert "lstm_states" in message


def test_what_is_no_model_is_refused(tmp_path):
    assert "got dict" in refusal({}, tmp_path / "policy.onnx")


def test_a_key_with_the_name_of_an_output_is_refused(tmp_path):
    space = spaces.Dict(actions=NUMBERS, other=NUMBERS)
    message = refusal(make("A2C", space), tmp_path / "policy.onnx")
    assert "'actions'" in message


def test_a_network_that_asks_its_data_is_named(tmp_path):
    model = small(features_extractor_class=Deciding)
    assert "A2C with Deciding" in refusal(model, tmp_path / "policy.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_a_missing_package_is_named_with_what_to_do(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    message = refusal(small(), tmp_path / "policy.onnx")
    assert f"the package {package}," in message
    assert "pip install 'rl-attention[onnx]'" in message


def test_a_file_that_would_act_otherwise_is_not_written(tmp_path, monkeypatch):
    placed = DeterministicPolicy._placed
    monkeypatch.setattr(
        DeterministicPolicy, "_placed", lambda self, actions: 1 - placed(self, actions)
    )
    message = refusal(small(), tmp_path / "policy.onnx")
    assert "expected the actions of the policy for 1 observations" in message


def test_without_onnxruntime_it_says_that_nothing_was_compared(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.warns(UserWarning, match="not compared with the policy"):
        path = export_onnx(small(), tmp_path / "new" / "policy.onnx")
    assert path.is_file()


def test_a_normalising_environment_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "_to_onnx", lambda *_: b"")
    monkeypatch.setattr(onnx_file, "compare", lambda *_: None)
    for norm_obs in (True, False):
        env = VecNormalize(DummyVecEnv([lambda: SampleEnv(NUMBERS)]), norm_obs=norm_obs)
        model = A2C("MlpPolicy", env, device="cpu")
        if norm_obs:
            with pytest.warns(UserWarning, match="has a VecNormalize"):
                export_onnx(model, tmp_path / "policy.onnx")
        else:
            export_onnx(model, tmp_path / "policy.onnx")


def test_the_twin_shares_nothing_and_the_model_stays_as_it_is():
    model = make("PPO", extractor={}).learn(32)
    model.policy.train()
    heard = []
    probe = model.policy.features_extractor.pooling.attention.probe
    probe.register_forward_hook(lambda *_: heard.append(1))
    before = torch.get_rng_state()
    twin = twin_of(model.policy)
    twin.predict(model.observation_space.sample(), deterministic=True)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.fill_(7.0)
    assert not heard
    assert twin.optimizer is None
    assert model.policy.training
    assert not any(module.training for module in twin.modules())
    assert torch.equal(torch.get_rng_state(), before)
    assert not any((p == 7.0).all() for p in model.policy.parameters() if p.numel() > 1)


def test_what_is_drawn_is_what_the_policy_takes():
    model = make("A2C")
    drawn = draw_inputs(twin_of(model.policy), 5)
    for part, values in zip(model.observation_space.spaces.values(), drawn, strict=True):
        assert values.dtype == part.dtype
        assert values.shape == (5, *part.shape)


def test_flags_that_a_box_of_floats_holds_are_drawn_as_flags():
    space = spaces.Dict(entities=spaces.Box(-1.0, 1.0, (6, 3)), mask=spaces.Box(0.0, 1.0, (6,)))
    _, mask = draw_inputs(twin_of(make("A2C", space, extractor={}).policy), 5)
    assert set(np.unique(mask)) == {0.0, 1.0}


def test_masks_that_are_drawn_leave_an_action():
    *_, masks = draw_inputs(twin_of(make("MaskablePPO").policy), 50)
    assert masks.shape == (50, 3)
    assert masks.any(axis=1).all()
    assert not masks.all()
