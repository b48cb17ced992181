"""What does not fit is refused by name, and nothing is changed."""

import numpy as np
import pytest
import torch
from exchange_for_tests import SPACE, TINY, make, same, scatter, weights, with_rows
from gymnasium import spaces
from spaces_for_tests import SPACES, SampleEnv, symbol_box
from stable_baselines3 import PPO

from rl_attention import (
    AttentionExtractor,
    MLPExtractor,
    UniformExtractor,
    load_extractor,
    save_extractor,
)
from rl_attention.errors import UserError


def refusal(path, model):
    """The line; all weights are as they were."""
    module = getattr(model, "policy", model)
    before = weights(module)
    with pytest.raises(UserError) as caught:
        load_extractor(path, model)
    assert same(weights(module), before)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "attention.safetensors"
    save_extractor(AttentionExtractor(SPACE, **TINY), path)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_heads": 4}, "expected n_heads=4, got n_heads=2: build the model with"),
        ({"width": 32, "n_blocks": 2}, "expected n_blocks=2, width=32, got n_blocks=1, width=16"),
        ({"features_dim": 16}, "expected features_dim=16, got features_dim=12"),
        ({"score": "cosine"}, "expected score='cosine', got score='scaled_dot_product'"),
        ({"pooling": "mean"}, "expected pooling='mean', got pooling='learned_query'"),
        (
            {"position": "sinusoidal", "place_columns": (0, 1)},
            "expected place_columns=[0, 1], position='sinusoidal', got place_columns=None",
        ),
        ({"weights": "topk", "top_k": 3}, "expected top_k=3, weights='topk', got top_k=4, wei"),
    ],
)
def test_other_options(changes, message, stored):
    line = refusal(stored, make("PPO", options={**TINY, **changes}))
    assert message in line
    assert line.startswith(f"{stored}: does not fit policy.features_extractor: ")


@pytest.mark.parametrize(
    "changes", [{"top_k": 3}, {"n_latents": 5}, {"radius": 1}, {"patch_size": 4}, {"dropout": 0.5}]
)
@pytest.mark.filterwarnings("ignore:dropout")
def test_options_that_decide_nothing_may_differ(changes, stored):
    load_extractor(stored, AttentionExtractor(SPACE, **{**TINY, **changes}))


@pytest.mark.parametrize(("cls", "name"), [(UniformExtractor, "uniform"), (MLPExtractor, "mlp")])
def test_another_class(cls, name, stored):
    line = refusal(stored, cls(SPACE, width=16, features_dim=12))
    assert f"does not fit extractor: expected the extractor '{name}', got 'attention'" in line


def symbols(*, high=6, columns=4, dtype=np.int8):
    box = symbol_box(6)
    low, top = box.low[:, :columns].copy(), box.high[:, :columns].copy()
    top[:, -1] = high
    return spaces.Box(low, top, dtype=dtype)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"entities": symbols(high=7)},
            "key 'entities': expected high[3] 7, got 6",
        ),
        (
            {"entities": symbols(columns=3, high=3)},
            "key 'entities': expected shape [6, 3], got [6, 4]",
        ),
        (
            {"entities": spaces.Box(-1.0, 1.0, (6, 4))},
            "key 'entities': expected dtype 'float32', got 'int8'",
        ),
        ({"direction": spaces.Discrete(5)}, "key 'direction': expected n 5, got 4"),
        (
            {"direction": spaces.MultiBinary(4)},
            "key 'direction': expected type 'MultiBinary', got ",
        ),
        (
            {"carrying": spaces.MultiDiscrete([6, 11])},
            "key 'carrying': expected nvec[0] 6, got 11",
        ),
        ({"speed": spaces.Box(-2.0, 2.0, (2,))}, "key 'speed': expected low -2.0, got -1.0"),
        ({"speed": spaces.Box(-np.inf, 1.0, (2,))}, "key 'speed': expected low '-inf', got -1.0"),
        ({"speed": None}, "key 'speed': expected none, got a file with it"),
        ({"more": spaces.Box(-1.0, 1.0, (2,))}, "key 'more': expected it, got a file without"),
        ({"walls": spaces.MultiBinary(10)}, "key 'walls': expected shape [10], got [9]"),
        (
            {"mission": spaces.Box(0, 20, (8,), np.int16), "mission_mask": spaces.MultiBinary(8)},
            "key 'mission': expected shape [8], got [7]",
        ),
        ({"mission": spaces.Box(0, 30, (7,), np.int16)}, "key 'mission': expected high 30, got 20"),
    ],
)
def test_other_observations(changes, message, stored):
    line = refusal(stored, AttentionExtractor(with_rows(6, **changes), **TINY))
    assert f"observation {message}" in line


def test_a_box_alone(tmp_path):
    def matrix(*shape):
        return AttentionExtractor(spaces.Box(-np.inf, np.inf, shape), **TINY)

    save_extractor(matrix(6, 4), tmp_path / "m.safetensors")
    load_extractor(tmp_path / "m.safetensors", matrix(9, 4))
    line = refusal(tmp_path / "m.safetensors", matrix(6, 5))
    assert "extractor: the observation: expected shape [6, 5], got [6, 4]: its weights" in line
    in_a_dict = AttentionExtractor(spaces.Dict(entities=spaces.Box(-1, 1, (6, 4))), **TINY)
    assert "the observation: expected none, got" in refusal(tmp_path / "m.safetensors", in_a_dict)


def test_whole_numbers_may_have_another_size(stored):
    load_extractor(
        stored, AttentionExtractor(with_rows(6, entities=symbols(dtype=np.int64)), **TINY)
    )


def test_weights_for_each_row_need_as_many_rows(tmp_path):
    options = {"width": 16, "features_dim": 12}
    save_extractor(MLPExtractor(SPACE, **options), tmp_path / "mlp.safetensors")
    line = refusal(tmp_path / "mlp.safetensors", MLPExtractor(with_rows(9), **options))
    assert "key 'entities': expected shape [9, 4], got [6, 4]: MLPExtractor has weights for" in line


def history(frames):
    return spaces.Dict(history=symbol_box(frames))


def test_fixed_places_need_as_many(tmp_path):
    for options in ({}, {"position": "sinusoidal"}, {"position": "none"}):
        save_extractor(
            AttentionExtractor(history(6), **TINY, **options), tmp_path / "h.safetensors"
        )
        other = AttentionExtractor(history(7), **TINY, **options)
        line = refusal(tmp_path / "h.safetensors", other)
        assert "key 'history': expected shape [7, 4], got [6, 4]" in line


def test_patches_of_another_size(tmp_path):
    image = SPACES["image in a dict"]
    save_extractor(AttentionExtractor(image, **TINY, patch_size=8), tmp_path / "i.safetensors")
    line = refusal(tmp_path / "i.safetensors", AttentionExtractor(image, **TINY, patch_size=4))
    assert "expected patch_size=4, got patch_size=8" in line


def test_one_that_differs_in_the_middle_of_a_model_changes_none(stored):
    model = make("TD3")
    model.critic.features_extractor = AttentionExtractor(SPACE, **{**TINY, "n_heads": 4})
    assert "policy.critic.features_extractor: expected n_heads=4" in refusal(stored, model)


def test_what_has_no_extractor_of_ours(stored):
    plain = PPO("MultiInputPolicy", SampleEnv(SPACE), device="cpu")
    for call in (lambda: save_extractor(plain, stored), lambda: load_extractor(stored, plain)):
        with pytest.raises(
            UserError, match=r"features come from one of AttentionExtractor, .* PPO"
        ):
            call()
    for nothing in (None, "model.zip", {}):
        with pytest.raises(UserError, match="expected a model of Stable-Baselines3, its policy or"):
            save_extractor(nothing, stored)


def test_a_class_of_your_own_is_refused(tmp_path):
    class Mine(AttentionExtractor):
        pass

    with pytest.raises(UserError, match=r"of the class AttentionExtractor, .* got a Mine"):
        save_extractor(Mine(SPACE, **TINY), tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_saved(stored):
    before = stored.read_bytes()
    extractor = AttentionExtractor(SPACE, **TINY)
    with torch.no_grad():
        extractor.global_token[0] = float("nan")
    with pytest.raises(UserError, match="expected finite weights, but global_token holds NaN"):
        save_extractor(extractor, stored)
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_a_disk_that_is_full_leaves_the_old_file(stored, monkeypatch):
    before = stored.read_bytes()
    extractor = AttentionExtractor(SPACE, **TINY)
    scatter(extractor)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_extractor(extractor, stored)
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
