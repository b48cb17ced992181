"""Tiny models and environments: for each check some that it must find, and some it must not."""

import warnings

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.wrappers import DtypeObservation
from minigrid.wrappers import ImgObsWrapper
from spaces_for_tests import N, SampleEnv, symbol_box
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize
from torch import nn

from rl_attention import AttentionExtractor, MLPExtractor
from rl_attention.history import HistoryVecEnv
from rl_attention.policies import AttentionActorCriticPolicy

DOORKEY = "MiniGrid-DoorKey-5x5-v0"
F = 4
SIZE = N * F

FLOATS = spaces.Dict(entities=spaces.Box(-1.0, 1.0, (N, F)), mask=spaces.MultiBinary(N))
DIRECTED = spaces.Dict(entities=spaces.Box(-1.0, 1.0, (N, F)), direction=spaces.Discrete(4))
SYMBOLS = spaces.Dict(
    entities=symbol_box(N),
    mask=spaces.Box(0, 1, (N,), np.float32),
    speed=spaces.Box(-1.0, 1.0, (2,)),
)
PICTURE = spaces.Box(0, 255, (36, 36, 3), np.uint8)
BYTES = spaces.Box(0, 255, (5,), np.uint8)


class MaskEnv(SampleEnv):
    """Entities whose mask is made by a function of the row's number."""

    def __init__(self, mask, idle=0.0):
        super().__init__(FLOATS)
        self.mask = mask
        self.idle = idle

    def _shape(self, observation):
        mask = np.array([self.mask(row, self.steps) for row in range(N)], np.int8)
        rows = np.arange(1, SIZE + 1, dtype=np.float32).reshape(N, F) / SIZE
        rows[N // 2 :] *= self.idle
        return {"entities": rows, "mask": mask}

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed, options=options)
        return self._shape(observation), info

    def step(self, action):
        observation, *rest = super().step(action)
        return self._shape(observation), *rest


class Cars(SampleEnv):
    """A matrix whose lower rows are padding; its first column says so, or does not."""

    def __init__(self, flags=True):
        super().__init__(spaces.Box(-np.inf, np.inf, (N, F)))
        self.flags = flags

    def _shape(self, observation):
        observation[:, 0] = 1.0 if self.flags else observation[:, 0]
        observation[N // 2 :] = 0.0
        return observation

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed, options=options)
        return self._shape(observation), info

    def step(self, action):
        observation, *rest = super().step(action)
        return self._shape(observation), *rest


class Wide(gym.ObservationWrapper):
    """Numbers around 0 whose bounds are anywhere."""

    def __init__(self, bound):
        super().__init__(SampleEnv(spaces.Box(-1.0, 1.0, (N, F))))
        self.observation_space = spaces.Box(-bound, bound, (N, F))

    def observation(self, observation):
        return observation


def stacked(make):
    return VecFrameStack(DummyVecEnv([make]), 3)


def past(make, **options):
    return HistoryVecEnv(DummyVecEnv([make]), 3, **options)


class Flat(BaseFeaturesExtractor):
    """Entities side by side; what others build on."""

    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.layer = nn.Linear(SIZE, features_dim)

    def forward(self, observations):
        return self.layer(observations["entities"].flatten(start_dim=1))


class DropsInForward(Flat):
    def forward(self, observations):
        return nn.Dropout(0.5)(super().forward(observations))


class Gated(Flat):
    """A residual branch that starts closed."""

    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.gate = nn.Linear(features_dim, features_dim)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, observations):
        features = super().forward(observations)
        return features + self.gate(features)


class OpenGate(Flat):
    """A gate that starts open by its bias."""

    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.gate = nn.Linear(features_dim, features_dim)
        nn.init.constant_(self.gate.bias, 2.0)

    def forward(self, observations):
        features = super().forward(observations)
        return features * self.gate(features).sigmoid()


class OddHeads(Flat):
    def __init__(self, space, features_dim=8, width=16, n_heads=3):
        super().__init__(space, features_dim)
        self.size = width // n_heads


class OddHeadsInside(Flat):
    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.embed_dim, self.num_heads = 10, 4


class Remembers(Flat):
    memory = 0.0

    def forward(self, observations):
        features = super().forward(observations)
        seen = features + self.memory
        self.memory = features
        return seen


class Counts(Flat):
    """Its features do not depend on what it keeps."""

    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.register_buffer("calls", torch.zeros(()))
        self.maps = []

    def forward(self, observations):
        self.calls += 1
        features = super().forward(observations)
        self.maps.append(features.detach())
        return features


class Directed(Flat):
    """Puts a one-hot direction beside the entities; `read` makes it a row, or fails to."""

    def __init__(self, space, features_dim=8, read="flat"):
        super().__init__(space, features_dim)
        self.turn = nn.Linear(4, features_dim)
        self.read = read

    def forward(self, observations):
        direction = observations["direction"]
        if self.read == "flat":
            direction = direction.flatten(start_dim=1)
        if self.read == "softmax":
            direction = (direction * 3).softmax(dim=1).flatten(start_dim=1)
        features = super().forward(observations)
        return torch.cat([features[:, 4:], self.turn(direction)[:, :4]], dim=-1)


class Textbook(BaseFeaturesExtractor):
    """Attention of torch over the entities."""

    def __init__(self, space, features_dim=F):
        super().__init__(space, features_dim)
        self.attention = nn.MultiheadAttention(F, 2, batch_first=True)

    def forward(self, observations):
        rows = observations["entities"]
        hidden = observations["mask"] == 0 if "mask" in observations else None
        read, _ = self.attention(rows, rows, rows, key_padding_mask=hidden, need_weights=False)
        return read.mean(dim=1)


class Normed(Flat):
    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.norm = nn.BatchNorm1d(features_dim)

    def forward(self, observations):
        return self.norm(super().forward(observations))


class Centred(Flat):
    def forward(self, observations):
        features = super().forward(observations)
        return features - features.mean(dim=0)


class TinyCNN(BaseFeaturesExtractor):
    """Takes any picture."""

    def __init__(self, space, features_dim=8):
        super().__init__(space, features_dim)
        self.layer = nn.Linear(int(np.prod(space.shape)), features_dim)

    def forward(self, observations):
        return self.layer(observations.flatten(start_dim=1))


def ppo(env, extractor=None, options=None, policy="MultiInputPolicy", **policy_kwargs):
    """A PPO model that has learnt nothing."""
    return _model(
        PPO, {"n_steps": 8, "batch_size": 8}, env, extractor, options, policy, policy_kwargs
    )


def dqn(env, extractor=None, options=None, policy="MultiInputPolicy", **policy_kwargs):
    """A DQN model that has learnt nothing."""
    return _model(DQN, {"buffer_size": 16}, env, extractor, options, policy, policy_kwargs)


def _model(algorithm, settings, env, extractor, options, policy, policy_kwargs):
    kwargs = {"net_arch": [8], **policy_kwargs}
    if extractor is not None:
        kwargs["features_extractor_class"] = extractor
        kwargs["features_extractor_kwargs"] = options or {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dropout and odd images say so themselves
        return algorithm(policy, env, policy_kwargs=kwargs, seed=0, device="cpu", **settings)


def normalized(space, wrap=lambda env: env, **options):
    return VecNormalize(DummyVecEnv([lambda: wrap(SampleEnv(space))]), **options)


def entities(**columns):
    return spaces.Dict(entities=spaces.Box(**columns), mask=spaces.MultiBinary(N))


def minigrid_image():
    return ImgObsWrapper(gym.make(DOORKEY))


class WholeEnv(SampleEnv):
    """Ids that were written as floats."""

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed, options=options)
        return self._whole(observation), info

    def step(self, action):
        observation, *rest = super().step(action)
        return self._whole(observation), *rest

    def _whole(self, observation):
        return {**observation, "entities": np.floor(observation["entities"])}


TINY = {"width": 8, "n_heads": 2, "feedforward": 8, "features_dim": 8}


def attention(space=FLOATS, make=ppo, **options):
    return make(SampleEnv(space), AttentionExtractor, {**TINY, **options})


SICK = {
    # name: (check, severity, what makes the patient)
    "symbols": ("symbols_as_image", "error", minigrid_image),
    "symbols in a Dict": ("symbols_as_image", "error", lambda: gym.make(DOORKEY)),
    "tiny image": (
        "symbols_as_image",
        "warning",
        lambda: ppo(minigrid_image(), TinyCNN, policy="CnnPolicy"),
    ),
    "tiny image as a space": (
        "symbols_as_image",
        "warning",
        lambda: spaces.Box(0, 255, (7, 7, 3), np.uint8),
    ),
    "cube": ("layout", "warning", lambda: spaces.Box(0, 255, (3, 3, 3), np.uint8)),
    "stack": ("layout", "warning", lambda: spaces.Box(0, 255, (7, 7, 9), np.uint8)),
    "second smallest": ("layout", "warning", lambda: spaces.Box(0, 255, (13, 3, 7), np.uint8)),
    "ids normalised": (
        "normalized_ids",
        "error",
        lambda: normalized(SYMBOLS, norm_obs_keys=["entities"]),
    ),
    "mask normalised": (
        "normalized_ids",
        "error",
        lambda: ppo(normalized(SYMBOLS, norm_obs_keys=["mask"])),
    ),
    "levels normalised": (
        "normalized_ids",
        "warning",
        lambda: normalized(spaces.Box(0, 9, (5,), np.int64)),
    ),
    "bytes": ("normalized_bytes", "error", lambda: ppo(normalized(BYTES), policy="MlpPolicy")),
    "bytes of an environment": ("normalized_bytes", "error", lambda: normalized(BYTES)),
    "frames that nobody told of": (
        "frame_stack",
        "error",
        lambda: ppo(stacked(Cars), AttentionExtractor, TINY, policy="MlpPolicy"),
    ),
    "bounds far too wide": ("narrow_numbers", "warning", lambda: Wide(1e4)),
    "normalised and scaled again": (
        "narrow_numbers",
        "warning",
        lambda: ppo(
            VecNormalize(DummyVecEnv([lambda: Wide(1e4)])), AttentionExtractor, TINY, "MlpPolicy"
        ),
    ),
    "a column says what is real": ("presence", "warning", Cars),
    "nothing says what is real": ("presence", "warning", lambda: Cars(flags=False)),
    "hides all": ("mask", "error", lambda: MaskEnv(lambda row, step: False)),
    "wrong way round": ("mask", "error", lambda: MaskEnv(lambda row, step: row >= N // 2)),
    "padding counts": ("mask", "warning", lambda: MaskEnv(lambda row, step: True)),
    "padding counts in the past": ("mask", "warning", lambda: past(Cars)),
    "hides none": ("mask", "note", lambda: MaskEnv(lambda row, step: True, idle=1.0)),
    "hides all at times": ("mask", "note", lambda: MaskEnv(lambda row, step: row < 3 * (step % 2))),
    "wide": (
        "number_columns",
        "note",
        lambda: entities(low=0, high=999, shape=(N, F), dtype=np.int16),
    ),
    "whole floats": (
        "number_columns",
        "note",
        lambda: WholeEnv(entities(low=0.0, high=9.9, shape=(N, F))),
    ),
    "dropout": ("dropout", "warning", lambda: attention(dropout=0.1)),
    "dropout in forward": ("dropout", "warning", lambda: dqn(SampleEnv(FLOATS), DropsInForward)),
    "batch norm": ("batch_dependence", "warning", lambda: ppo(SampleEnv(FLOATS), Normed)),
    "mean of the batch": ("batch_dependence", "error", lambda: dqn(SampleEnv(FLOATS), Centred)),
    "memory": ("state", "error", lambda: ppo(SampleEnv(FLOATS), Remembers)),
    "counter": ("state", "warning", lambda: dqn(SampleEnv(FLOATS), Counts)),
    "closed gate": ("orthogonal_init", "warning", lambda: ppo(SampleEnv(FLOATS), Gated)),
    "open gate": (
        "orthogonal_init",
        "warning",
        lambda: ppo(SampleEnv(FLOATS), OpenGate, share_features_extractor=False),
    ),
    "raises in training": (
        "discrete_rank",
        "error",
        lambda: ppo(SampleEnv(DIRECTED), Directed, {"read": "plain"}),
    ),
    "differs in training": (
        "discrete_rank",
        "error",
        lambda: dqn(SampleEnv(DIRECTED), Directed, {"read": "softmax"}),
    ),
    "NaN without a token": ("fast_path", "warning", lambda: ppo(SampleEnv(FLOATS), Textbook)),
    "two paths": ("fast_path", "note", lambda: ppo(SampleEnv(DIRECTED), Textbook)),
    "odd heads": (
        "heads",
        "warning",
        lambda: ppo(SampleEnv(FLOATS), OddHeads, {"n_heads": 3, "width": 16}),
    ),
    "odd heads inside": ("heads", "warning", lambda: ppo(SampleEnv(FLOATS), OddHeadsInside)),
    "order matters": (
        "entity_order",
        "note",
        lambda: ppo(SampleEnv(FLOATS), MLPExtractor, {"width": 8, "hidden": 8}),
    ),
    "apart": (
        "separate_extractors",
        "note",
        lambda: ppo(SampleEnv(FLOATS), AttentionExtractor, TINY, share_features_extractor=False),
    ),
}

HEALTHY = {
    # (check, what makes the patient)
    "picture": ("symbols_as_image", lambda: SampleEnv(PICTURE)),
    "picture to a model": (
        "symbols_as_image",
        lambda: looking(ppo(SampleEnv(PICTURE), TinyCNN, policy="CnnPolicy")),
    ),
    "channels last": ("layout", lambda: PICTURE),
    "channels first": ("layout", lambda: spaces.Box(0, 255, (4, 36, 36), np.uint8)),
    "speed normalised": (
        "normalized_ids",
        lambda: ppo(normalized(SYMBOLS, norm_obs_keys=["speed"])),
    ),
    "floats normalised": (
        "normalized_bytes",
        lambda: ppo(
            normalized(BYTES, lambda env: DtypeObservation(env, np.float32)), policy="MlpPolicy"
        ),
    ),
    "picture normalised": ("normalized_bytes", lambda: normalized(PICTURE)),
    "frames that are told of": (
        "frame_stack",
        lambda: ppo(stacked(Cars), AttentionExtractor, {**TINY, "n_stack": 3}, policy="MlpPolicy"),
    ),
    "bounds that are filled": ("narrow_numbers", lambda: Wide(3.0)),
    "a column that is told of": (
        "presence",
        lambda: ppo(Cars(), AttentionExtractor, {**TINY, "presence_column": 0}, policy="MlpPolicy"),
    ),
    "a mask that is told of": ("presence", lambda: MaskEnv(lambda row, step: row < N // 2)),
    "a history whose padding is told of": ("mask", lambda: past(Cars, presence_column=0)),
    "a history that is always full": ("mask", lambda: past(lambda: Wide(1.0))),
    "padded": ("mask", lambda: MaskEnv(lambda row, step: row < N // 2)),
    "symbols with bounds": ("number_columns", lambda: SampleEnv(SYMBOLS)),
    "floats": ("number_columns", lambda: SampleEnv(FLOATS)),
    "dropout off-policy": ("dropout", lambda: attention(make=dqn, dropout=0.1)),
    "heads that divide": ("heads", attention),
    "heads set to zero again": (
        "orthogonal_init",
        lambda: close_again(ppo(SampleEnv(FLOATS), Gated)),
    ),
    "flat rows": ("discrete_rank", lambda: ppo(SampleEnv(DIRECTED), Directed)),
    "flat rows of SB3": ("discrete_rank", lambda: dqn(SampleEnv(DIRECTED), CombinedExtractor)),
    "shared": ("separate_extractors", attention),
    "apart in a policy of ours": (
        "separate_extractors",
        lambda: ppo(
            SampleEnv(FLOATS),
            AttentionExtractor,
            TINY,
            AttentionActorCriticPolicy,
            share_features_extractor=False,
        ),
    ),
    **{
        f"attention under {name}": (name, attention)
        for name in ("dropout", "batch_dependence", "state", "orthogonal_init", "entity_order")
    },
}


def close_again(model):
    """What a user does about the gate after the model is built."""
    nn.init.zeros_(model.policy.features_extractor.gate.weight)
    return model


def looking(model):
    """A model that has the first observations before its eyes."""
    model._setup_learn(8)
    return model
