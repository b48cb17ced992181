"""Networks made by hand, of which it is known what they attend to and what they decide by."""

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rl_attention.nn.probe import Probe
from rl_attention.recording import ProbeSet

N_SLOTS = 6
ATTENDED, DECIDING, SIDE = range(3)
"""Columns: how strongly an entity draws attention, how much it decides, which action it is for."""


class SignEnv(gymnasium.Env):
    """Observations are drawn; nothing that is done matters."""

    observation_space = spaces.Dict(
        {
            "entities": spaces.Box(-5, 5, (N_SLOTS, 3), np.float32),
            "mask": spaces.MultiBinary(N_SLOTS),
        }
    )
    action_space = spaces.Discrete(2)
    action_names = ("left", "right")

    def __init__(self, length=4):
        self._length = length
        self._steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps = 0
        return self._draw(), {}

    def step(self, action):
        self._steps += 1
        done = self._steps == self._length
        return self._draw(), float(action), done, False, {"is_success": True} if done else {}

    def _draw(self):
        rng = self.np_random
        return {key: values[0] for key, values in draw_observations(rng, 1).items()}


def draw_observations(rng, count, *, same=False):
    """Draw entities; `same`: what draws attention also decides."""
    entities = rng.normal(size=(count, N_SLOTS, 3)).astype(np.float32)
    if same:
        entities[..., DECIDING] = entities[..., ATTENDED]
    entities[..., SIDE] = rng.choice([-1, 1], size=(count, N_SLOTS))
    mask = np.ones((count, N_SLOTS), np.int8)
    for row in range(count):
        mask[row, rng.integers(3, N_SLOTS + 1) :] = 0
    return {"entities": entities * mask[..., None], "mask": mask}


def draw_probes(seed, count=60):
    return ProbeSet.from_observations(draw_observations(np.random.default_rng(seed), count))


class Handmade(BaseFeaturesExtractor):
    """Decides by the side of what it weighs most by one column, and shows the weights of another.

    Args:
        observation_space: As above.
        honest: The weights that are shown are those that are used.
    """

    def __init__(self, observation_space, honest):
        super().__init__(observation_space, 1)
        self.honest = honest
        self.probe = Probe(("query",), ("entities",))
        self.unused = nn.Linear(1, 1)

    def forward(self, observations):
        entities, mask = observations["entities"], observations["mask"].bool()
        shown = self.probe(
            self.weigh(entities[..., ATTENDED], mask)[:, None, None],
            torch.ones(len(mask), 1, dtype=torch.bool),
            mask,
        )[:, 0, 0]
        used = shown if self.honest else self.weigh(entities[..., DECIDING], mask)
        return (used * entities[..., SIDE]).sum(dim=1, keepdim=True)

    def weigh(self, scores, mask):
        return (4 * scores).masked_fill(~mask, -1e9).softmax(dim=1)


def make_handmade(*, honest, seed=0):
    """Make a PPO whose action is for the side that its extractor finds."""
    model = PPO(
        "MultiInputPolicy",
        SignEnv(),
        n_steps=8,
        batch_size=8,
        seed=seed,
        device="cpu",
        policy_kwargs={
            "features_extractor_class": Handmade,
            "features_extractor_kwargs": {"honest": honest},
            "net_arch": [],
        },
    )
    with torch.no_grad():
        model.policy.action_net.weight.copy_(torch.tensor([[2.0], [-2.0]]))
        model.policy.action_net.bias.zero_()
        model.policy.value_net.weight.fill_(1.0)
        model.policy.value_net.bias.zero_()
    return model
