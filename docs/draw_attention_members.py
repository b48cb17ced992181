"""Draw the pictures of docs/attention.md: every member of the family on one and the same frame.

Usage: python docs/draw_attention_members.py RUNS_FOLDER [PROBE]
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, ImageDraw

from rl_attention.recording import (
    AttentionMap,
    ProbeSet,
    Snapshot,
    draw_mosaic,
    list_snapshots,
    read_snapshot,
)
from rl_attention.recording.drawing.colours import BACKGROUND, FAINT, colour, ink_on
from rl_attention.recording.drawing.overlay import PANEL
from rl_attention.recording.drawing.text import LINE, SMALL, fitted, number, width, write
from rl_attention.recording.layers import segment_slices

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "members.yaml"
TARGET = ROOT / "docs" / "images" / "members"

PROBE = 4  # "go to the purple ball": in the middle, beside another ball and another purple thing
EMPTY = (232, 232, 236)
GAP = 6
HEADS_IN_A_ROW = 4
SIDE, STEP = 36, PANEL + 6  # how draw_mosaic sets its columns

SHOWN: dict[str, tuple[str, ...]] = {
    "default": ("l0", "l1", "w0"),
    "local": ("l0",),
    "ego": ("l0",),
    "words_to_entities": ("l0", "w0"),
    "entities_to_words": ("l1",),
    "latent": ("l0", "l2"),
    "n_blocks-2": ("l0", "l1"),
    "relative": ("l0",),
    "rezero": ("l0",),
    "gtrxl": ("l0",),
    "relational": ("l0", "l1"),
}
"""Layers of which the read-out row is shown; of other members the last over entities."""

MATRICES = {
    "local": "l0",
    "words_to_entities": "l0",
    "entities_to_words": "w0",
    "latent": "l0",
    "relative": "l0",
}
"""The layer of which all queries are shown below."""


def main(runs: str, probe: str = str(PROBE)) -> None:
    """Draw every member whose first run is finished."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    TARGET.mkdir(parents=True, exist_ok=True)
    for label in config["arms"]:
        folder = Path(runs) / config["env"]["id"] / f"{label}_ppo_s0"
        snapshots = list(list_snapshots(folder).values())
        if not snapshots or not (folder / "results.json").exists():
            print(f"{label}: no finished run with snapshots in {folder}")
            continue
        probes = ProbeSet.load(folder / "probes.npz")
        picture = draw_member(label, read_snapshot(snapshots[-1]), probes, int(probe))
        save(picture, TARGET / f"{label}.png")


def save(picture: Image.Image, path: Path) -> None:
    """Write a small file of 256 colours."""
    # the other methods merge the colours of the few small things in sight
    method = Image.Quantize.MAXCOVERAGE
    picture.quantize(256, method, dither=Image.Dither.NONE).save(path, optimize=True)


def draw_member(label: str, snapshot: Snapshot, probes: ProbeSet, index: int) -> Image.Image:
    """Draw the read-out rows of a member and, where it has one, its matrix below."""
    layers = snapshot.layers
    last = [name for name in layers if name.startswith("l")][-1:]
    shown = {name: layers[name] for name in SHOWN.get(label, tuple(last))}
    n_heads = max(found.n_heads for found in shown.values())
    picture = fold(Image.fromarray(draw_mosaic(shown, probes, index)), n_heads)
    if label not in MATRICES:
        return picture
    name = MATRICES[label]
    return stack(picture, draw_matrix(name, layers[name], probes, index))


def fold(picture: Image.Image, n_heads: int) -> Image.Image:
    """Put the heads behind the fourth, and the mean, below the first four."""
    if n_heads <= HEADS_IN_A_ROW:
        return picture
    cut = SIDE + (1 + HEADS_IN_A_ROW) * STEP
    first = picture.crop((0, 0, cut, picture.height))
    rest = picture.crop((cut, 0, picture.width, picture.height))
    return stack(first, rest, left=SIDE + STEP)


def draw_matrix(name: str, found: AttentionMap, probes: ProbeSet, index: int) -> Image.Image:
    """Draw queries by keys, one block for each head and one for their mean, as the panels stand."""
    asking, asked = found.query_mask[index], found.key_mask[index]
    rows = token_names(found.queries, asking, probes, index)
    columns = token_names(found.keys, asked, probes, index)
    heads = found.weights[index][:, asking][:, :, asked]
    blocks = [*heads, heads.mean(axis=0)]
    below = max(width(column) for column in columns) + 8
    size = (SIDE + (1 + len(blocks)) * STEP, len(rows) * LINE + below)
    image = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(image)
    middle = len(rows) * LINE / 2
    write(draw, (SIDE / 2, middle - 7), name, anchor="mm")
    write(draw, (SIDE / 2, middle + 7), "all", size=SMALL, fill=FAINT, anchor="mm")
    for row, text in enumerate(rows):
        place = (SIDE + STEP - 10, row * LINE + LINE / 2)
        write(draw, place, fitted(text, PANEL), fill=FAINT, anchor="rm")
    for block, weights in enumerate(blocks):
        draw_block(image, SIDE + (1 + block) * STEP, weights, columns)
    return image


def draw_block(image: Image.Image, left: int, weights: np.ndarray, columns: Sequence[str]) -> None:
    """Draw one head: a cell for each pair, the largest weight of a row written in its cell."""
    draw = ImageDraw.Draw(image)
    cell = PANEL // len(columns)
    for (row, column), weight in np.ndenumerate(weights):
        # exactly 0 is what local, sparsemax and topk leave out: no shade of the scale
        shade = colour(weight) if weight else EMPTY
        x, y = left + column * cell, row * LINE
        draw.rectangle((x, y, x + cell - 2, y + LINE - 2), fill=shade)
        text = number(float(weight))
        if column == np.argmax(weights[row]) and width(text, SMALL) < cell:
            place = (x + cell / 2 - 1, y + LINE / 2 - 1)
            write(draw, place, text, size=SMALL, fill=ink_on(shade), anchor="mm")
    for column, text in enumerate(columns):
        flat = Image.new("RGB", (width(text) + 4, LINE), BACKGROUND)
        write(ImageDraw.Draw(flat), (2, LINE / 2), text, fill=FAINT, anchor="lm")
        x = left + column * cell + (cell - LINE) // 2
        image.paste(flat.transpose(Image.Transpose.ROTATE_270), (x, len(weights) * LINE + 2))


def token_names(
    segments: tuple[str, ...], real: np.ndarray, probes: ProbeSet, index: int
) -> list[str]:
    """Name the real tokens of an axis."""
    known = {"entities": probes.labels, "words": probes.words}
    names: list[str] = []
    for segment, part in segment_slices(segments, len(real), probes.sizes).items():
        given = known.get(segment)
        for place in range(part.stop - part.start):
            alone = "agent" if segment == "global" else f"{segment.removesuffix('s')} {place}"
            names.append(alone if given is None else str(given[index, place]))
    return [name for name, is_real in zip(names, real, strict=True) if is_real]


def stack(above: Image.Image, below: Image.Image, left: int = 0) -> Image.Image:
    """Put one picture below another."""
    top = above.height + GAP
    size = (max(above.width, left + below.width), top + below.height)
    image = Image.new("RGB", size, BACKGROUND)
    image.paste(above, (0, 0))
    image.paste(below, (left, top))
    return image


if __name__ == "__main__":
    main(*sys.argv[1:])
