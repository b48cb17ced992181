"""Models to export, and what their files do."""

import importlib

import numpy as np
import onnxruntime
import pytest
from gymnasium import spaces
from spaces_for_tests import SPACES, F, N, SampleEnv

from rl_attention import AttentionExtractor, export_onnx
from rl_attention.exporting.policy import keys_of, twin_of
from rl_attention.exporting.trial import draw_inputs

BOUNDED = spaces.Box(-1.0, 1.0, (N, F))
STEER = spaces.Box(np.float32([-1.0, 0.0]), np.float32([3.0, 50.0]))
ON_POLICY = {"n_steps": 16}
OFF_POLICY = {"buffer_size": 200, "learning_starts": 8, "batch_size": 8}
ALGORITHMS = {
    "PPO": ("stable_baselines3", ON_POLICY | {"batch_size": 16}, None),
    "A2C": ("stable_baselines3", ON_POLICY, None),
    "DQN": ("stable_baselines3", OFF_POLICY, None),
    "SAC": ("stable_baselines3", OFF_POLICY, STEER),
    "TD3": ("stable_baselines3", OFF_POLICY, STEER),
    "DDPG": ("stable_baselines3", OFF_POLICY, STEER),
    "TRPO": ("sb3_contrib", ON_POLICY | {"batch_size": 16}, None),
    "MaskablePPO": ("sb3_contrib", ON_POLICY | {"batch_size": 16}, None),
    "RecurrentPPO": ("sb3_contrib", ON_POLICY | {"batch_size": 16}, None),
    "QRDQN": ("sb3_contrib", OFF_POLICY, None),
    "TQC": ("sb3_contrib", OFF_POLICY, STEER),
    "CrossQ": ("sb3_contrib", OFF_POLICY, STEER),
    "ARS": ("sb3_contrib", {"n_delta": 2}, None),
}
"""From an algorithm to its package, its settings and the actions it is tried with."""

SMALL = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 12, "top_k": 2, "radius": 1}


class MaskedEnv(SampleEnv):
    """Says which actions may be taken, for MaskablePPO."""

    def action_masks(self):
        return np.ones(self.action_space.n, bool)


def make(
    name,
    space="everything",
    actions=None,
    *,
    extractor=None,
    policy=None,
    use_sde=None,
    **policy_kwargs,
):
    """Make a small model; with `extractor`, one that attends, with these options."""
    package, settings, usual = ALGORITHMS[name]
    reason = f"{package} is not installed: pip install 'rl-attention[contrib]'"
    pytest.importorskip(package, reason=reason)
    space = SPACES[space] if isinstance(space, str) else space
    if extractor is not None:
        policy_kwargs["features_extractor_class"] = AttentionExtractor
        policy_kwargs["features_extractor_kwargs"] = SMALL | extractor
    if policy is None:
        policy = "MultiInputPolicy" if isinstance(space, spaces.Dict) else "MlpPolicy"
    if name == "RecurrentPPO":
        policy = policy.replace("Policy", "LstmPolicy")
    algorithm = getattr(importlib.import_module(package), name)
    if use_sde is not None:
        settings = {**settings, "use_sde": use_sde}
    env = MaskedEnv(space, actions or usual)
    kwargs = {"net_arch": [8], **policy_kwargs}
    return algorithm(policy, env, policy_kwargs=kwargs, seed=0, device="cpu", **settings)


def run(path, inputs):
    """From the outputs of a file by name, for inputs by name."""
    session = onnxruntime.InferenceSession(path.read_bytes())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def check_export(model, path, *, sizes=(1, 2, 33)):
    """Export, and compare with `predict` on observations that the export has not tried."""
    export_onnx(model, path)
    policy = model.policy
    for size in sizes:
        drawn = draw_inputs(twin_of(policy), size)
        given = dict(zip([*keys_of(policy), "action_masks"], drawn, strict=False))
        found = run(path, given)
        masks = {"action_masks": given.pop("action_masks")} if "action_masks" in given else {}
        whole = isinstance(model.observation_space, spaces.Dict)
        seen = given if whole else given["observation"]
        wanted, _ = model.predict(seen, deterministic=True, **masks)
        assert found["actions"].shape == wanted.shape
        assert found["actions"].dtype == wanted.dtype
        np.testing.assert_allclose(found["actions"], wanted, atol=1e-4, rtol=1e-5)
        assert ("values" in found) == hasattr(policy, "predict_values")
        if "values" in found:
            tensors, _ = policy.obs_to_tensor(seen)
            values = policy.predict_values(tensors).detach().numpy()[:, 0]
            np.testing.assert_allclose(found["values"], values, atol=1e-4, rtol=1e-4)
