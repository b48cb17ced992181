"""Small untrained models, states to ask them about, and a check that asking leaves no trace."""

import random
from contextlib import contextmanager

import numpy as np
import torch
from gymnasium import spaces
from spaces_for_tests import SPACES, SampleEnv, policy_for
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_attention.explain.subject import Subject
from rl_attention.extractors import EXTRACTORS
from rl_attention.nn import Probe
from rl_attention.recording import ProbeSet

ALGORITHMS = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "sac": SAC, "td3": TD3}
CONTINUOUS = ("sac", "td3")
TWO_SETS = spaces.Dict(
    allies=spaces.Box(-1.0, 1.0, (3, 4)),
    allies_mask=spaces.MultiBinary(3),
    rivals=spaces.Box(-1.0, 1.0, (4, 5)),
    rivals_mask=spaces.MultiBinary(4),
)
SMALL = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}

MODELS = {
    "ppo attention": ("everything", "attention", "ppo"),
    "ppo uniform": ("everything", "uniform", "ppo"),
    "ppo mlp": ("everything", "mlp", "ppo"),
    "ppo cnn on cells": ("cells", "cnn", "ppo"),
    "a2c attention on bare cells": ("cells alone", "attention", "a2c"),
    "ppo attention on pixels": ("image in a dict", "attention", "ppo"),
    "dqn attention": ("everything", "attention", "dqn"),
    "sac attention": ("entities and mask", "attention", "sac"),
    "td3 attention on a matrix": ("matrix", "attention", "td3"),
    "ppo foreign": ("entities and mask", "foreign", "ppo"),
    "ppo without our parts": ("matrix", None, "ppo"),
}
"""From a name to space, arm and algorithm: one model of every kind."""


class ForeignExtractor(BaseFeaturesExtractor):
    """An extractor of somebody else's, with a probe: each entity reads the entities."""

    def __init__(self, observation_space, features_dim=8):
        super().__init__(observation_space, features_dim)
        self.encode = torch.nn.Linear(observation_space["entities"].shape[1], features_dim)
        self.probe = Probe(("entities",), ("entities",))

    def forward(self, observations):
        mask = observations["mask"].flatten(start_dim=1) > 0.5
        values = self.encode(observations["entities"].float())
        scores = values @ values.transpose(1, 2)
        weights = scores.masked_fill(~mask[:, None], -1e9).softmax(dim=-1)
        weights = self.probe(weights[:, None], mask, mask)[:, 0]
        return (weights @ values)[:, 0]


def states_of(space, n_states, seed=0):
    """Draw states with at least one entity, and several numbers of them."""
    space.seed(seed)
    drawn = [space.sample() for _ in range(n_states)]
    if not isinstance(space, spaces.Dict):
        return np.stack(drawn)
    batch = {key: np.stack([np.asarray(one[key]) for one in drawn]) for key in space.spaces}
    generator = np.random.default_rng(seed)
    for key in batch:
        if key.endswith("mask"):
            full = generator.random(batch[key].shape) < generator.random((n_states, 1))
            batch[key] = full.astype(batch[key].dtype)
            batch[key][:, 0] = 1
    return batch


def make_model(
    space="entities and mask",
    arm="attention",
    algorithm="ppo",
    *,
    action_space=None,
    normalise=False,
    policy_kwargs=None,
    use_sde=False,
    policy=None,
    **options,
):
    """Make a model whose arm is a key of `EXTRACTORS`, `foreign`, or None for SB3's own."""
    space = SPACES[space] if isinstance(space, str) else space
    if action_space is None and algorithm in CONTINUOUS:
        action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    sized = {key: SMALL[key] for key in (SMALL if arm in ("attention", "uniform") else ("width",))}
    kwargs = {"net_arch": [16], **(policy_kwargs or {})}
    if arm == "foreign":
        kwargs["features_extractor_class"] = ForeignExtractor
    elif arm is not None:
        kwargs["features_extractor_class"] = EXTRACTORS[arm]
        kwargs["features_extractor_kwargs"] = sized | options
    env = DummyVecEnv([lambda: SampleEnv(space, action_space)])
    env = VecNormalize(env, norm_obs_keys=["entities"]) if normalise else env
    more = {} if algorithm in ("ppo", "a2c") else {"buffer_size": 10}
    more |= {"use_sde": True} if use_sde else {}
    cls, policy = ALGORITHMS[algorithm], policy or policy_for(space)
    model = cls(policy, env, seed=0, device="cpu", policy_kwargs=kwargs, **more)
    return lively(model)


def lively(model):
    """Give the last layer weights that make actions differ: SB3 starts them almost at 0."""
    with torch.no_grad():
        for name, weight in model.policy.named_parameters():
            if name == "action_net.weight":
                weight.mul_(100.0)
    return model


def make_subject(space="entities and mask", *args, n_states=6, fields=None, seed=0, **options):
    """Make a subject of what `make_model` takes, or of a key of `MODELS`."""
    if isinstance(space, str) and space in MODELS:
        space, *args = MODELS[space]
    model = make_model(space, *args, **options)
    states = states_of(SPACES[space] if isinstance(space, str) else space, n_states)
    return Subject(model, ProbeSet(states, **(fields or {})), seed=seed)


@contextmanager
def left_as_it_was(model):
    """Fail if weights, gradients, modes, hooks or global generators differ afterwards."""
    before = _trace(model)
    yield
    after = _trace(model)
    for name, value in before.items():
        assert _same(value, after[name]), f"{name} was changed"


def _trace(model):
    modules = list(model.policy.modules())
    return {
        "weights": {k: v.clone() for k, v in model.policy.state_dict().items()},
        "gradients": {k: v.grad is None for k, v in model.policy.named_parameters()},
        "needs": {k: v.requires_grad for k, v in model.policy.named_parameters()},
        "modes": [module.training for module in modules],
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules],
        "torch": torch.get_rng_state(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "python": random.getstate(),
        "modules": [id(module) for module in modules],
        "grad mode": torch.is_grad_enabled(),
    }


def _same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one == other


def shuffled(batch, order):
    """Put the entities of each state, and their flags, into another order."""
    rows = np.arange(len(order))[:, None]
    return {
        key: value[rows, order] if key in ("entities", "mask") else value
        for key, value in batch.items()
    }
