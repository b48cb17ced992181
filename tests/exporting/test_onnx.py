"""The file of a policy gives the actions of the policy."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from exports_for_tests import ALGORITHMS, BOUNDED, check_export, make, run
from gymnasium import spaces
from spaces_for_tests import SPACES

from rl_attention import AttentionExtractor, export_onnx
from rl_attention.extractors import EXTRACTORS

NUMBERS = spaces.Box(-np.inf, np.inf, (3,))
IMAGE = spaces.Box(0, 255, (36, 36, 3), np.uint8)
PLACES = {"place_columns": (2, 3)}
MEMBERS = [
    ("everything", {"score": "additive", "weights": "sparsemax"}),
    ("everything", {"score": "cosine", "weights": "topk", "n_blocks": 2}),
    ("everything", {"score": "dot_product", "pooling": "mean"}),
    ("everything", {"weights": "uniform", "attention": "latent"}),
    ("everything", {"scope": "local", "position": "relative", **PLACES, "n_blocks": 2}),
    ("everything", {"attention": "words_to_entities", "block": "gtrxl"}),
    ("everything", {"attention": "entities_to_words", "block": "relational", "pooling": "max"}),
    ("everything", {"attention": "ego", "position": "sinusoidal", **PLACES, "pooling": "ego"}),
    ("cells", {"scope": "local", "position": "relative"}),
    ("history", {"scope": "local", "weights": "sparsemax"}),
    ("past frames", {}),
    ("past frames", {"frames": "newest"}),
    ("everything", {"ignored_keys": ["mission", "walls"]}),
]

TRIED = ("entities and mask", *{space for space, _ in MEMBERS})


def test_a_policy_without_attention_is_one_file(tmp_path):
    model = make("A2C", NUMBERS, BOUNDED)
    with torch.no_grad():  # beyond the bounds, where predict clips
        model.policy.action_net.bias.fill_(0.99)
    path = tmp_path / "folder" / "policy.onnx"
    check_export(model, path)
    assert [entry.name for entry in path.parent.iterdir()] == ["policy.onnx"]
    file = onnx.load(path)
    onnx.checker.check_model(file, full_check=True)
    (given,) = file.graph.input
    assert given.name == "observation"
    sizes = given.type.tensor_type.shape.dim
    assert (sizes[0].dim_param, sizes[1].dim_value) == ("batch", 3)


def test_a_file_tells_nothing_of_the_machine_that_made_it(tmp_path):
    path = export_onnx(make("A2C", NUMBERS), tmp_path / "policy.onnx")
    assert b".py" not in path.read_bytes()
    assert b"stack_trace" not in path.read_bytes()


def test_the_example_of_the_documentation_acts(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "exporting.md").read_text(encoding="utf-8")
    model = make("A2C", spaces.Dict(near=NUMBERS, far=spaces.MultiBinary(2)))
    names = {"model": model, "observation": model.observation_space.sample()}
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "docs/exporting.md", "exec"), names)
    assert names["action"] == model.predict(names["observation"], deterministic=True)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in ALGORITHMS if name not in ("RecurrentPPO", "ARS")]
)
def test_every_algorithm(tmp_path, name):
    space = {"CrossQ": "matrix", "PPO": "everything"}.get(name, "entities and mask")
    model = make(name, space, extractor={}).learn(32)
    check_export(model, tmp_path / "policy.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("space", [space for space in SPACES if space not in TRIED])
def test_every_other_space(tmp_path, space):
    policy = "CnnPolicy" if space == "image" else None
    options = {"normalize_images": True} if space == "image" else {}
    check_export(make("A2C", space, extractor={}, policy=policy, **options), tmp_path / "p.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(("space", "member"), MEMBERS, ids=str)
def test_every_member(tmp_path, space, member):
    model = make("DQN", space, extractor=member)
    bias = model.policy.q_net.features_extractor.relations.bias
    if bias is not None:
        torch.nn.init.normal_(bias.table)
    check_export(model, tmp_path / "policy.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["uniform", "mlp", "cnn"])
def test_the_control_arms(tmp_path, arm):
    model = make("DQN", "cells", features_extractor_class=EXTRACTORS[arm])
    check_export(model, tmp_path / "policy.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "space", "actions", "options"),
    [
        ("PPO", IMAGE, None, {"policy": "CnnPolicy"}),
        ("DQN", spaces.Dict(image=IMAGE, direction=spaces.Discrete(4)), None, {}),
        ("PPO", NUMBERS, spaces.MultiDiscrete([3, 2]), {}),
        ("PPO", NUMBERS, spaces.MultiBinary(4), {}),
        ("PPO", NUMBERS, BOUNDED, {"use_sde": True, "squash_output": True}),
        ("SAC", NUMBERS, None, {"use_sde": True}),
        ("ARS", NUMBERS, None, {}),
        ("MaskablePPO", NUMBERS, spaces.Discrete(5), {}),
        ("A2C", spaces.Discrete(4), None, {}),
        ("A2C", spaces.MultiDiscrete([3, 4]), None, {}),
        ("A2C", spaces.Box(-1.0, 1.0, (3,), np.float64), None, {}),
        ("A2C", spaces.Dict(add=NUMBERS, given_1=NUMBERS, linear=NUMBERS), None, {}),
        ("PPO", "everything", None, {"extractor": {}, "share_features_extractor": False}),
    ],
    ids=str,
)
def test_other_policies_and_actions(tmp_path, name, space, actions, options):
    check_export(make(name, space, actions, **options), tmp_path / "policy.onnx")


@pytest.mark.slow
def test_what_stands_in_the_padding_has_no_effect_and_no_token_is_no_fault(tmp_path):
    model = make("PPO", "entities and mask", extractor={})
    path = export_onnx(model, tmp_path / "policy.onnx")
    space = model.observation_space
    given = {key: np.stack([space.sample()[key] for _ in range(9)]) for key in space.spaces}
    given["mask"][0] = 0
    wanted, _ = model.predict(given, deterministic=True)
    for garbage in (np.nan, np.inf, -1e30):
        given["entities"][given["mask"] == 0] = garbage
        found = run(path, given)
        assert np.array_equal(found["actions"], wanted)
        assert np.isfinite(found["values"]).all()


@pytest.mark.slow
def test_a_model_that_is_listened_to_and_compiled_is_exported_as_it_is(tmp_path):
    model = make("PPO", "entities and mask", extractor={}).learn(16)
    heard = []
    model.policy.features_extractor.pooling.attention.probe.register_forward_hook(
        lambda *_: heard.append(1)
    )
    model.policy.features_extractor.compile(backend="eager")
    weights = {name: value.clone() for name, value in model.policy.state_dict().items()}
    random = torch.get_rng_state()
    export_onnx(model, tmp_path / "policy.onnx")
    assert not heard
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(weights[n], value) for n, value in model.policy.state_dict().items())
    assert isinstance(model.policy.features_extractor, AttentionExtractor)
    assert model.policy.features_extractor._compiled_call_impl is not None
