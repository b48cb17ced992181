"""An extractor that is moved is the same wherever it arrives."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from exchange_for_tests import (
    ALGORITHMS,
    SPACE,
    TINY,
    features,
    make,
    observations,
    same,
    scatter,
    weights,
    with_rows,
)
from gymnasium import spaces
from safetensors import safe_open
from spaces_for_tests import SPACES

from rl_attention import (
    AttentionExtractor,
    CNNExtractor,
    MLPExtractor,
    UniformExtractor,
    load_extractor,
    save_extractor,
)
from rl_attention.exchange.places import find_extractors

WAYS = [
    ("PPO", "SAC"),
    ("PPO", "PPO apart"),
    ("PPO apart", "A2C"),
    ("A2C", "MaskablePPO"),
    ("DQN", "PPO"),
    ("SAC", "TD3"),
    ("SAC shared", "DQN"),
    ("TD3", "SAC shared"),
    ("QRDQN", "RecurrentPPO"),
    ("RecurrentPPO", "QRDQN"),
    ("MaskablePPO", "TQC"),
    ("TQC", "TRPO"),
    ("TRPO", "DQN"),
]
ACTS = {
    "PPO apart": "policy.pi_features_extractor",
    "DQN": "policy.q_net.features_extractor",
    "QRDQN": "policy.quantile_net.features_extractor",
    **dict.fromkeys(("SAC", "SAC shared", "TD3", "TQC"), "policy.actor.features_extractor"),
    **dict.fromkeys(("MaskablePPO",), "policy.pi_features_extractor"),
    **dict.fromkeys(("PPO", "A2C", "TRPO", "RecurrentPPO"), "policy.features_extractor"),
}


def acting(name, model):
    found = model
    for part in ACTS[name].split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_every_extractor_of_the_target_is_the_one_that_acted(source, target, tmp_path):
    giver, taker = make(source), make(target, seed=1, net_arch=[8, 8])
    given = acting(source, giver)
    expected = features(giver.policy, given)
    save_extractor(giver, tmp_path / "attention.safetensors")
    scatter(giver.policy)
    load_extractor(tmp_path / "attention.safetensors", taker)
    arrived = find_extractors(taker)
    assert len(arrived) == ALGORITHMS[target][3]
    assert acting(target, taker) in arrived.values()
    for extractor in arrived.values():
        assert torch.equal(features(taker.policy, extractor), expected)
    stores = [parameter.data_ptr() for one in arrived.values() for parameter in one.parameters()]
    assert len(set(stores)) == len(stores)


def test_every_algorithm_gives_and_takes():
    assert {one for one, _ in WAYS} == {other for _, other in WAYS} == set(ALGORITHMS)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_models_learn_before_and_after(source, target, tmp_path):
    giver, taker = make(source).learn(48), make(target, seed=1).learn(48)
    save_extractor(giver, tmp_path / "a.safetensors")
    load_extractor(tmp_path / "a.safetensors", taker)
    before = weights(acting(target, taker))
    assert same(before, weights(acting(source, giver)))
    taker.learn(48)
    assert not same(before, weights(acting(target, taker)))
    taker.save(tmp_path / "model")
    loaded = type(taker).load(tmp_path / "model", device="cpu")
    assert same(weights(loaded.policy), weights(taker.policy))


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (cls, name)
        for cls in (AttentionExtractor, UniformExtractor, MLPExtractor, CNNExtractor)
        for name in SPACES
        if cls is not CNNExtractor or "cells" in name
    ],
)
def test_every_class_on_every_space(cls, name, tmp_path):
    options = {"width": 16, "features_dim": 12}
    one, other = (cls(SPACES[name], **options) for _ in range(2))
    scatter(one)
    save_extractor(one, tmp_path / "e.safetensors")
    load_extractor(tmp_path / "e.safetensors", other)
    assert same(weights(one), weights(other))


@pytest.mark.parametrize(
    "options",
    [
        {"block": "gtrxl"},
        {"block": "relational", "n_blocks": 3},
        {"attention": "latent", "n_latents": 3},
        {
            "scope": "local",
            "radius": 1.5,
            "place_columns": np.array([0, 1]),
            "position": "relative",
        },
        {"weights": "topk", "top_k": np.int64(2), "score": "additive"},
        {"position": "sinusoidal", "place_columns": range(2)},
    ],
    ids=str,
)
def test_members_of_the_family(options, tmp_path):
    one, other = (AttentionExtractor(SPACE, **TINY, **options) for _ in range(2))
    scatter(one)
    save_extractor(one, tmp_path / "e.safetensors")
    load_extractor(tmp_path / "e.safetensors", other)
    assert same(weights(one), weights(other))


@pytest.mark.parametrize("target", ["PPO", "DQN"])
def test_more_entities_and_fewer(target, tmp_path):
    giver = make("PPO")
    path = tmp_path / "six.safetensors"
    save_extractor(giver, path)
    for rows in (3, 6, 11):
        taker = make(target, with_rows(rows), seed=1)
        load_extractor(path, taker)
        for extractor in find_extractors(taker).values():
            assert same(weights(extractor), weights(giver.policy.features_extractor))


def test_more_slots_change_no_feature(tmp_path):
    one, more = AttentionExtractor(SPACE, **TINY), AttentionExtractor(with_rows(11), **TINY)
    save_extractor(one, tmp_path / "six.safetensors")
    load_extractor(tmp_path / "six.safetensors", more)
    given = {key: value.float() for key, value in flat(SPACE).items()}
    padded = {
        **given,
        "entities": torch.nn.functional.pad(given["entities"], (0, 0, 0, 5)),
        "mask": torch.nn.functional.pad(given["mask"], (0, 5)),
    }
    with torch.no_grad():
        assert torch.equal(one(given), more(padded))


def flat(space):
    """Preprocessed observations of a space, without a model."""
    space.seed(3)
    samples = [space.sample() for _ in range(8)]
    return {
        key: torch.as_tensor(
            np.stack([np.asarray(spaces.flatten(part, sample[key])) for sample in samples])
        ).reshape(8, *(part.shape if isinstance(part, spaces.Box) else (-1,)))
        for key, part in space.spaces.items()
    }


def test_an_extractor_alone_and_a_policy_will_do(tmp_path):
    model = make("PPO apart")
    alone = AttentionExtractor(SPACE, **TINY)
    save_extractor(model.policy, tmp_path / "a.safetensors")
    load_extractor(tmp_path / "a.safetensors", alone)
    assert same(weights(alone), weights(model.policy.pi_features_extractor))
    save_extractor(alone, tmp_path / "again" / "a.safetensors")
    written = (tmp_path / "again" / "a.safetensors").read_bytes()
    assert written == (tmp_path / "a.safetensors").read_bytes()


def test_an_extractor_within_another_is_found(tmp_path):
    class Wide(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = AttentionExtractor(SPACE, **TINY)

    one, other = Wide(), Wide()
    save_extractor(one, tmp_path / "a.safetensors")
    load_extractor(tmp_path / "a.safetensors", other)
    assert same(weights(one), weights(other))


def test_tensors_with_two_names_are_kept_once(tmp_path):
    one, other = AttentionExtractor(SPACE, **TINY), AttentionExtractor(SPACE, **TINY)
    for extractor in (one, other):
        extractor.again = extractor.global_token
        norm = extractor.readout[0]
        norm.bias = torch.nn.Parameter(norm.weight.data)  # another tensor, the same memory
    scatter(one)
    save_extractor(one, tmp_path / "a.safetensors")
    load_extractor(tmp_path / "a.safetensors", other)
    assert same(weights(one), weights(other))
    assert other.again is other.global_token


def test_the_header_says_what_it_is(tmp_path):
    save_extractor(make("DQN"), tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        (text,) = file.metadata().values()
    said = json.loads(text)
    assert (said["format"], said["extractor"], said["features_dim"]) == (1, "attention", 12)
    assert said["options"].items() >= {**TINY, "score": "scaled_dot_product"}.items()
    assert said["space"]["direction"] == {"type": "Discrete", "n": 4}
    assert said["space"]["entities"] == {
        "type": "Box",
        "shape": [6, 4],
        "dtype": "int8",
        "low": [0, 0, -3, 0],
        "high": [5, 2, 3, 6],
    }


def test_a_compiled_extractor(tmp_path):
    model = make("PPO")
    model.policy.features_extractor.compile(backend="eager")
    save_extractor(model, tmp_path / "a.safetensors")
    taker = make("DQN")
    load_extractor(tmp_path / "a.safetensors", taker)
    assert same(weights(model.policy.features_extractor), weights(taker.q_net.features_extractor))


def test_nothing_else_of_the_model_moves(tmp_path):
    giver, taker = make("PPO"), make("SAC", seed=1)
    before, mode = weights(taker.policy), taker.policy.training
    save_extractor(giver, tmp_path / "a.safetensors")
    state = torch.get_rng_state()
    load_extractor(tmp_path / "a.safetensors", taker)
    assert torch.equal(torch.get_rng_state(), state)
    assert taker.policy.training is mode
    after = weights(taker.policy)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if "features_extractor" in name}


CODE = """
import sys, warnings
warnings.simplefilter("error")
sys.path[:0] = sys.argv[2:]
from exchange_for_tests import make, features
from rl_attention import load_extractor, save_extractor
model = make("DQN", seed=5)
load_extractor(sys.argv[1], model)
save_extractor(model, "again.safetensors")
print(features(model.policy, model.q_net.features_extractor).double().sum().item())
"""


@pytest.mark.slow
def test_another_process_in_another_folder(tmp_path, pytestconfig):
    model = make("PPO")
    path = tmp_path / "a.safetensors"
    save_extractor(model, path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    tests = pytestconfig.rootpath / "tests"
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path), str(tests), str(tests / "exchange")],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    expected = features(model.policy, model.policy.features_extractor).double().sum().item()
    assert float(done.stdout) == expected
    assert (elsewhere / "again.safetensors").read_bytes() == path.read_bytes()


def test_the_observations_here_are_not_all_alike():
    given = observations(make("PPO").policy)
    assert all(len(values.unique(dim=0)) > 1 for values in given.values())
