"""Names and places that come from the network's own knowledge of its tokens."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from rl_attention.recording import (
    ProbeSet,
    TokenSet,
    complete,
    draw_mosaic,
    label_layers,
    read_tokens,
)

CELLS = TokenSet(6, "cells", "cells", (2, 3))
IMAGE = TokenSet(6, "pixels", None, (2, 3))


def tokenizer(total, *sets, joint=None):
    """What an extractor of ours knows of its tokens, by attributes alone."""
    parts = [SimpleNamespace(n_tokens=n, spans=spans) for n, spans, _, _ in sets]
    joint = len(parts) > 1 if joint is None else joint
    specs = tuple(SimpleNamespace(kind=kind, key=key) for _, _, kind, key in sets)
    return SimpleNamespace(
        tokenizer=SimpleNamespace(
            n_tokens=total,
            entities=SimpleNamespace(parts=parts) if joint else next(iter(parts), None),
            schema=SimpleNamespace(sets=specs),
        )
    )


NAMES = {
    "cell 1,2": TokenSet(6, "cells", None, (2, 3)),
    "patch 1,2": TokenSet(6, "pixels", "pixels", (2, 3)),
    "frame 0": TokenSet(6, "history", "history"),
    "entity 5": TokenSet(6, "entities", "entities"),
    "enemies 5": TokenSet(6, "entities", "enemies"),
}


@pytest.mark.parametrize(("last", "tokens"), NAMES.items())
def test_names(last, tokens):
    assert len(tokens.names) == 6
    assert tokens.names[-1] == last
    assert NAMES["frame 0"].names[0] == "frame -5"
    assert NAMES["cell 1,2"].names[1] == "cell 0,1"


@pytest.mark.parametrize("last", NAMES)
def test_what_an_extractor_of_ours_knows(last):
    expected = NAMES[last]
    found = tokenizer(6, (6, expected.grid or (9, 9), expected.kind, expected.key))
    assert read_tokens(found) == (expected,)


def test_several_sets_keep_their_order():
    found = read_tokens(
        tokenizer(5, (3, None, "entities", "allies"), (2, (1, 2), "cells", "cells"))
    )
    assert found == (TokenSet(3, "entities", "allies"), TokenSet(2, "cells", "cells", (1, 2)))


@pytest.mark.parametrize(
    ("extractor", "expected"),
    [
        (object(), ()),
        (SimpleNamespace(tokenizer=None), ()),
        (SimpleNamespace(tokenizer=SimpleNamespace(n_tokens="many")), ()),
        (SimpleNamespace(tokenizer=SimpleNamespace(n_tokens=4)), (TokenSet(4),)),
        (tokenizer(7, (3, None, "entities", "allies")), (TokenSet(7),)),
    ],
)
def test_other_extractors_may_know_less(extractor, expected):
    assert read_tokens(extractor) == expected


def test_nothing_known_changes_nothing(full_probes):
    assert complete(full_probes, ()) is full_probes


def test_what_is_given_stays(full_probes):
    shown = complete(full_probes, [TokenSet(3)])
    assert shown.labels.tolist() == [
        ["red key", "blue door", "entity 2"],
        ["grey ball", "red key", "green key"],
    ]
    for field in ("types", "boxes", "frames", "agent_boxes", "words", "missions"):
        assert np.array_equal(getattr(shown, field), getattr(full_probes, field))


@pytest.mark.parametrize("count", [2, 5])
def test_lists_get_as_long_as_there_are_tokens(full_probes, count):
    shown = complete(full_probes, [TokenSet(count)])
    assert shown.sizes["entities"] == count
    assert shown.boxes.shape == (2, count, 4)
    assert shown.types.shape == (2, count)
    assert shown.labels[1, 1] == "red key"


def test_types_are_names_where_there_are_no_others():
    probes = ProbeSet(np.zeros((1, 2, 3)), types=np.array([["key", ""]]))
    assert complete(probes, [TokenSet(2)]).labels.tolist() == [["key", "entity 1"]]


def test_several_sets_are_types():
    probes = ProbeSet({"allies": np.zeros((2, 1, 3)), "enemies": np.zeros((2, 2, 3))})
    sets = [TokenSet(1, key="allies"), TokenSet(2, key="enemies")]
    shown = complete(probes, sets)
    assert shown.types.tolist() == [["allies", "enemies", "enemies"]] * 2
    assert shown.labels.tolist() == [["allies 0", "enemies 0", "enemies 1"]] * 2
    assert shown.sizes["entities"] == 3


def test_names_of_several_sets_are_all_different():
    sets = [TokenSet(2, "pixels", "l", (1, 2)), TokenSet(2, "pixels", "r", (1, 2))]
    sets += [TokenSet(1, "history", "past"), TokenSet(1, "entities", "entities")]
    labels = complete(ProbeSet({"l": np.zeros((1, 8, 16, 3))}), sets).labels
    expected = ["l patch 0,0", "l patch 0,1", "r patch 0,0", "r patch 0,1"]
    assert labels.tolist() == [[*expected, "past frame 0", "entity 0"]]


def test_cells_are_drawn_where_there_is_no_picture(make_map):
    cells = np.array([[[0, 0, 1], [0, 2, 1]], [[2, 0, 0], [0, 0, 1]]])[..., None]
    shown = complete(ProbeSet({"cells": cells}), [CELLS])
    assert shown.frames.shape == (2, 2, 3, 3)
    colours = {}
    for cell, colour in zip(cells.ravel(), shown.frames.reshape(-1, 3).tolist(), strict=True):
        assert colours.setdefault(int(cell), colour) == colour
    assert len({tuple(colour) for colour in colours.values()}) == 3
    assert shown.boxes[0].tolist()[:4] == [[0, 0, 1, 1], [1, 0, 2, 1], [2, 0, 3, 1], [0, 1, 1, 2]]
    weights = np.full((2, 1, 1, 6), 0.02)
    weights[..., 4] = 0.9
    found = label_layers({"a": make_map(weights)}, shown.sizes)
    picture = draw_mosaic(found, shown, 0).astype(int)
    side = 160 / 3
    # panel 1 begins after the side and the frame; cell 1,1 is the middle of the lower row
    panel = picture[16 + 18 :, 36 + 166 :]
    bright = panel[int(side) + 4 : int(side) + 9, int(side) + 8 : int(2 * side) - 8].mean(
        axis=(0, 1)
    )
    dark = panel[4:9, 8 : int(side) - 8].mean(axis=(0, 1))
    assert bright.sum() > dark.sum() + 200


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 4, 6])
def test_an_image_is_its_own_picture(channels, channels_first):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (2, 16, 24, channels), dtype=np.uint8)
    given = image.transpose(0, 3, 1, 2) if channels_first else image
    shown = complete(ProbeSet(given), [IMAGE])
    assert shown.frames.shape == (2, 16, 24, 3)
    newest = image[..., -3:] if channels % 3 == 0 else image[..., -1:]
    assert np.array_equal(shown.frames, np.broadcast_to(newest, shown.frames.shape))
    assert shown.boxes[0, [0, 5]].tolist() == [[0, 0, 8, 8], [16, 8, 24, 16]]


@pytest.mark.parametrize(("channels", "n_stack"), [(3, 3), (6, 6), (6, 2), (12, 4), (8, 4)])
def test_of_stacked_frames_the_newest_is_drawn(channels, n_stack):
    image = np.random.default_rng(0).integers(0, 255, (2, 16, 24, channels), dtype=np.uint8)
    found = tokenizer(6, (6, (2, 3), "pixels", None))
    found.tokenizer.options = SimpleNamespace(n_stack=n_stack)
    frames = complete(ProbeSet(image), read_tokens(found)).frames
    size = 3 if channels // n_stack == 3 else 1
    assert np.array_equal(frames, np.broadcast_to(image[..., -size:], frames.shape))


def test_images_of_floats():
    image = np.linspace(-1, 1, 16 * 24 * 3, dtype=np.float32).reshape(1, 16, 24, 3)
    frames = complete(ProbeSet(image), [IMAGE]).frames
    assert (frames.min(), frames.max()) == (0, 255)
    assert not complete(ProbeSet(np.zeros_like(image)), [IMAGE]).frames.any()


@pytest.mark.parametrize(
    ("observations", "tokens"),
    [
        (np.zeros((2, 5)), IMAGE),
        (np.zeros((2, 7, 9, 3), np.uint8), IMAGE),
        ({"other": np.zeros((2, 2, 3, 1))}, CELLS),
        ({"cells": np.zeros((2, 3, 2, 1))}, CELLS),
        (np.zeros((2, 1, 9, 1)), TokenSet(9, "cells", None, (1, 9))),
    ],
)
def test_what_is_no_grid_stays_a_strip(observations, tokens):
    shown = complete(ProbeSet.from_observations(observations), [tokens])
    assert shown.frames is None
    assert shown.labels.shape == (2, tokens.count)


def test_boxes_of_other_tokens_are_not_taken_for_patches():
    """Tiles of 8 pixels do not say where patches of 4 are."""
    image = np.zeros((1, 16, 24, 3), np.uint8)
    tiles = ProbeSet(
        image,
        frames=np.zeros((1, 64, 96, 3), np.uint8),
        boxes=np.ones((1, 6, 4), int),
        labels=np.full((1, 6), "tile"),
        agent_boxes=np.ones((1, 4), int),
    )
    same = complete(tiles, [IMAGE])
    assert np.array_equal(same.frames, tiles.frames)
    assert (same.labels == "tile").all()
    finer = complete(tiles, [TokenSet(24, "pixels", None, (4, 6))])
    assert finer.frames.shape == (1, 16, 24, 3)
    assert finer.boxes.shape == (1, 24, 4)
    assert finer.labels[0, -1] == "patch 3,5"
    assert finer.agent_boxes is None


def test_the_given_set_is_not_changed(full_probes):
    digest = full_probes.digest
    complete(full_probes, [TokenSet(9)])
    complete(dataclasses.replace(full_probes, frames=None), [CELLS])
    assert full_probes.digest == digest
