"""Every algorithm in every world, its extractor shared or not: two lines in `policy_kwargs`."""

import importlib
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from spaces_for_tests import policy_for
from worlds_for_tests import SMALL, WORLDS, observe

from rl_attention import AttentionExtractor, record
from rl_attention.errors import UserError
from rl_attention.policies import AttentionARSPolicy, AttentionCrossQPolicy

ON_POLICY = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}
OFF_POLICY = {"buffer_size": 200, "learning_starts": 16, "batch_size": 8, "train_freq": 8}
BOTH, ALONE = (True, False), (None,)

# loads what was saved, where nothing but the package is known
FRESH = """
import importlib, pathlib, sys
import numpy as np
package, name, folder = sys.argv[1:]
algorithm = getattr(importlib.import_module(package), name)
for path in sorted(pathlib.Path(folder).glob("*.zip")):
    given = np.load(path.with_suffix(".npz"))
    given = {key: given[key] for key in given}
    model = algorithm.load(path, device="cpu")
    actions, _ = model.predict(given.get("observation", given), deterministic=True)
    np.save(path.with_suffix(".npy"), actions)
"""


@dataclass(frozen=True)
class Algorithm:
    """Where an algorithm is, and how it is made small."""

    package: str
    settings: dict[str, Any]
    shares: tuple[bool | None, ...] = BOTH
    continuous: bool = False
    n_steps: int = 32
    policy_kwargs: dict[str, Any] = field(default_factory=dict)


SB3, CONTRIB = "stable_baselines3", "sb3_contrib"
ALGORITHMS = {
    "PPO": Algorithm(SB3, ON_POLICY),
    "A2C": Algorithm(SB3, {"n_steps": 16}),
    "DQN": Algorithm(SB3, OFF_POLICY, ALONE),
    "SAC": Algorithm(SB3, OFF_POLICY, continuous=True),
    "TD3": Algorithm(SB3, OFF_POLICY, continuous=True),
    "DDPG": Algorithm(SB3, OFF_POLICY, continuous=True),
    "RecurrentPPO": Algorithm(CONTRIB, ON_POLICY, policy_kwargs={"lstm_hidden_size": 8}),
    "MaskablePPO": Algorithm(CONTRIB, ON_POLICY),
    "TRPO": Algorithm(CONTRIB, {"n_steps": 16, "batch_size": 16}),
    "QRDQN": Algorithm(CONTRIB, OFF_POLICY, ALONE),
    "TQC": Algorithm(CONTRIB, OFF_POLICY, continuous=True),
    "CrossQ": Algorithm(CONTRIB, OFF_POLICY, continuous=True),
    "ARS": Algorithm(
        CONTRIB,
        {"n_delta": 2, "n_top": 1, "zero_policy": False},
        ALONE,
        continuous=True,
        n_steps=64,
    ),
}
RUNS = [(name, share) for name, algorithm in ALGORITHMS.items() for share in algorithm.shares]


def find_class(name):
    package = ALGORITHMS[name].package
    pytest.importorskip(package)
    return getattr(importlib.import_module(package), name)


def make(name, world, share=None, **settings):
    """A small model with the extractor, as its user would make it."""
    algorithm, world = ALGORITHMS[name], WORLDS[world]
    actions = spaces.Box(-1.0, 1.0, (2,)) if algorithm.continuous else None
    env = world.make(actions)
    policy = AttentionARSPolicy if name == "ARS" else policy_for(env.observation_space)
    if name == "CrossQ" and policy == "CnnPolicy":
        policy = "MlpPolicy"  # the only name it knows; images are seen all the same
    if name == "RecurrentPPO":
        policy = policy.replace("Policy", "LstmPolicy")
    extractor = {**SMALL, **world.options}
    policy_kwargs = {
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": extractor,
        "net_arch": [16],
        **algorithm.policy_kwargs,
    }
    if share is not None:
        policy_kwargs["share_features_extractor"] = share
    settings = {**algorithm.settings, "seed": 0, "device": "cpu", **settings}
    return find_class(name)(policy, env, policy_kwargs=policy_kwargs, **settings)


def possible(name, world):
    return name != "CrossQ" or not isinstance(WORLDS[world].space, spaces.Dict)


def weights_of(model):
    return {name: value.detach().clone() for name, value in model.policy.named_parameters()}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), RUNS)
def test_learns_and_acts_alike_in_a_fresh_process(name, share, tmp_path, subtests):
    algorithm = ALGORITHMS[name]
    saved, elsewhere = tmp_path / "saved", tmp_path / "elsewhere"
    saved.mkdir(), elsewhere.mkdir()
    expected = {}
    for number, world in enumerate(w for w in WORLDS if possible(name, w)):
        with subtests.test(world=world):
            model = make(name, world, share)
            before = weights_of(model)
            model.learn(algorithm.n_steps)
            assert any((weights_of(model)[key] != value).any() for key, value in before.items())
            seen = observe(model.get_env())
            check_maps(record(model, seen))
            expected[f"{number:02d}"] = model.predict(seen, deterministic=True)[0]
            model.save(saved / f"{number:02d}")
            arrays = seen if isinstance(seen, dict) else {"observation": seen}
            np.savez(saved / f"{number:02d}.npz", **arrays)
    assert len(expected) == sum(possible(name, world) for world in WORLDS)
    command = [sys.executable, "-c", FRESH, algorithm.package, name, str(saved)]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for number, actions in expected.items():
        np.testing.assert_array_equal(np.load(saved / f"{number}.npy"), actions)


def check_maps(maps):
    assert maps
    for found in maps.values():
        total = found.weights.sum(axis=-1)
        assert np.isfinite(found.weights).all()
        real = found.query_mask & found.key_mask.any(axis=1, keepdims=True)
        real = np.broadcast_to(real[:, None], total.shape)
        np.testing.assert_allclose(total[real], 1.0, atol=1e-5)


@pytest.mark.parametrize("world", [w for w in WORLDS if not possible("CrossQ", w)])
def test_crossq_learns_from_no_dict(world):
    find_class("CrossQ")
    with pytest.raises(ValueError, match="MultiInputPolicy unknown"):
        make("CrossQ", world)
    env = WORLDS[world].make(spaces.Box(-1.0, 1.0, (2,)))
    with pytest.raises(UserError, match=r"AttentionCrossQPolicy: expected a Box, got a Dict with"):
        find_class("CrossQ")(AttentionCrossQPolicy, env)


def test_ars_has_no_extractor_of_its_own_and_ours_has():
    cls = find_class("ARS")
    env = WORLDS["matrix"].make(spaces.Box(-1.0, 1.0, (2,)))
    with pytest.raises(TypeError, match="features_extractor_class"):
        cls("MlpPolicy", env, policy_kwargs={"features_extractor_class": AttentionExtractor})
    model = make("ARS", "matrix")
    assert isinstance(model.policy.features_extractor, AttentionExtractor)
