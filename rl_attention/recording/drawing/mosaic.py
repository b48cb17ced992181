"""All maps of one probe in one picture, laid out alike at every step."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import BACKGROUND, FAINT
from rl_attention.recording.drawing.film import MOST_TOKENS, film_strip
from rl_attention.recording.drawing.overlay import Marks, overlay, panel_size, shrunk
from rl_attention.recording.drawing.scale_bar import BAR_WIDTH, scale_bar
from rl_attention.recording.drawing.strips import heat_strip, word_strip
from rl_attention.recording.drawing.text import LINE, SIZE, SMALL, number, wrapped, write
from rl_attention.recording.layers import segment_slices
from rl_attention.recording.maps import AttentionMap
from rl_attention.recording.probes import ProbeSet

_GAP = 6
_SIDE = 36
_STRIP_SPACE = 640
_LEAST_BAR = 96
_ONE = {"entities": "entity", "words": "word", "latents": "latent", "tokens": "token"}


def draw_mosaic(
    layers: Mapping[str, AttentionMap], probes: ProbeSet, index: int
) -> NDArray[np.uint8]:
    """Draw one probe: a row for each layer, a column for each head, their mean, and the scale.

    What is shown is the read-out row (first query). With frames, entities are tinted in the
    frame, and the weight of the global token, if it has no place there, is written below; without,
    and where the keys are no entities, tokens stand in a strip; so do all tokens of past frames,
    of which the picture shows those of now alone, and where they are many, their steps stand there
    with the names of the largest tokens. The words of the mission come below, if the network
    reads them. Colours mean the same weight in every picture, and the size
    depends on the probe and the network alone, never on the weights.

    Args:
        layers: Labelled maps, as `label_layers` gives them.
        probes: What the maps were taken from.
        index: Which probe.

    Returns:
        The picture, `H W 3`.
    """
    pictured = probes.frames is not None and probes.boxes is not None
    over_words = {k: m for k, m in layers.items() if set(m.keys) == {"words"}}
    # what has no place in the picture (latent tokens, words beside the global token) is a strip
    in_picture = {k: m for k, m in layers.items() if pictured and "entities" in m.keys}
    # the picture is that of now
    past = probes.steps is not None and bool((probes.steps[index] < 0).any())
    others = {k: m for k, m in layers.items() if k not in over_words}
    others = others if past else {k: m for k, m in others.items() if k not in in_picture}
    parts = [_panels(in_picture, probes, index)] if in_picture else []
    parts += [_strips(others, probes, index)] if others else []
    space = max([_STRIP_SPACE, *(part.width for part in parts)])
    parts = [_header(probes, index, space), *parts]
    for label, found in over_words.items():
        parts.append(_words(label, found, probes, index, space))
    return np.asarray(_stacked(parts))


def _panels(layers: Mapping[str, AttentionMap], probes: ProbeSet, index: int) -> Image.Image:
    assert probes.frames is not None
    frame = np.asarray(probes.frames[index])
    panel, height = panel_size(frame)
    heads = max(found.n_heads for found in layers.values())
    columns = ["frame", *(f"head {head}" for head in range(heads)), "mean"]
    step = panel + _GAP
    below = LINE if any(_without_place(found, probes) for found in layers.values()) else 0
    size = (
        _SIDE + len(columns) * step + BAR_WIDTH,
        LINE + 2 + len(layers) * (height + below + _GAP),
    )
    image = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(image)
    for column, name in enumerate(columns):
        middle = (_SIDE + column * step + panel / 2, LINE / 2)
        write(draw, middle, name, fill=FAINT, anchor="mm")
    for row, (label, found) in enumerate(layers.items()):
        top = LINE + 2 + row * (height + below + _GAP)
        _write_label(draw, top + height / 2, label, found)
        image.paste(shrunk(frame), (_SIDE, top))
        weights = found.readout[index]
        shown = {1 + head: weights[head] for head in range(found.n_heads)}
        for column, weight in {**shown, 1 + heads: weights.mean(axis=0)}.items():
            left = _SIDE + column * step
            image.paste(overlay(frame, _marks(found, weight, probes, index)), (left, top))
            if _without_place(found, probes):
                place = (left + panel / 2, top + height + LINE / 2)
                share = weight[segment_slices(found.keys, len(weight), probes.sizes)["global"]]
                text = f"agent {number(float(share[0]))}"
                write(draw, place, text, size=SMALL, fill=FAINT, anchor="mm")
        bar = scale_bar(height, int(found.key_mask[index].sum()))
        image.paste(bar, (_SIDE + len(columns) * step, top))
    return image


def _without_place(found: AttentionMap, probes: ProbeSet) -> bool:
    """Whether the global token is read and has no box to tint."""
    return "global" in found.keys and probes.agent_boxes is None


def _marks(found: AttentionMap, row: NDArray[Any], probes: ProbeSet, index: int) -> Marks:
    """Boxes and weights of the real tokens that have a place in the frame; the agent's on top."""
    assert probes.boxes is not None
    real = found.key_mask[index]
    parts = segment_slices(found.keys, len(row), probes.sizes)
    boxes: list[Any] = []
    weights: list[float] = []
    if "entities" in parts:
        part = parts["entities"]
        for box, weight, is_real in zip(probes.boxes[index], row[part], real[part], strict=False):
            if is_real and box[2] > box[0] and box[3] > box[1]:
                boxes.append(box)
                weights.append(float(weight))
    if "global" in parts and probes.agent_boxes is not None:
        boxes.append(_beside(probes.agent_boxes[index], boxes))
        weights.append(float(row[parts["global"]][0]))
    return Marks(np.array(boxes, dtype=np.float64).reshape(-1, 4), np.array(weights))


def _beside(agent: NDArray[Any], boxes: list[Any]) -> NDArray[Any]:
    """The agent's box, drawn in where a token of its own (a grid cell) has the same place."""
    if not any(np.array_equal(agent, box) for box in boxes):
        return agent
    inset = np.array([1, 1, -1, -1]) * max(1, int(agent[2] - agent[0]) // 5)
    return np.asarray(agent + inset)


def _strips(layers: Mapping[str, AttentionMap], probes: ProbeSet, index: int) -> Image.Image:
    parts = []
    for label, found in layers.items():
        real = found.key_mask[index]
        names = [
            n
            for n, is_real in zip(_token_names(found, probes, index), real, strict=True)
            if is_real
        ]
        strip = _strip(names, found, probes, index)
        height = max(strip.height, _LEAST_BAR)
        bar = scale_bar(height, int(real.sum()))
        row = Image.new("RGB", (_SIDE + strip.width + BAR_WIDTH, height + _GAP), BACKGROUND)
        _write_label(ImageDraw.Draw(row), strip.height / 3, label, found)
        row.paste(strip, (_SIDE, 0))
        row.paste(bar, (_SIDE + strip.width, 0))
        parts.append(row)
    return _stacked(parts)


def _strip(names: list[str], found: AttentionMap, probes: ProbeSet, index: int) -> Image.Image:
    """Tokens as cells, or where they are many and of several steps, bars for the steps."""
    real = found.key_mask[index]
    weights = found.readout[index][:, real]
    if len(names) > MOST_TOKENS and probes.steps is not None and "entities" in found.keys:
        first = segment_slices(found.keys, len(real), probes.sizes)["entities"].start
        known = {first + token: int(step) for token, step in enumerate(probes.steps[index])}
        steps = [known.get(int(place)) for place in np.flatnonzero(real)]
        if any(steps):
            return film_strip(names, steps, weights, space=_STRIP_SPACE)
    return heat_strip(names, weights, space=_STRIP_SPACE)


def _token_names(found: AttentionMap, probes: ProbeSet, index: int) -> list[str]:
    known = {"entities": probes.labels if probes.labels is not None else probes.types}
    known["words"] = probes.words
    names: list[str] = []
    for segment, part in segment_slices(
        found.keys, len(found.key_mask[index]), probes.sizes
    ).items():
        if segment == "global":
            names.append("agent")
            continue
        given = known.get(segment)
        for place in range(part.stop - part.start):
            text = "" if given is None or place >= given.shape[1] else str(given[index, place])
            # a label of several lines cannot be drawn
            names.append(" ".join(text.split()) or f"{_ONE.get(segment, segment)} {place}")
    return names


def _words(
    label: str, found: AttentionMap, probes: ProbeSet, index: int, space: int
) -> Image.Image:
    real = found.key_mask[index]
    names = [
        n for n, is_real in zip(_token_names(found, probes, index), real, strict=True) if is_real
    ]
    if not names:
        return _text(f"{label}: no words", space)
    strip = word_strip(names, found.readout[index][:, real], space=space - _SIDE)
    image = Image.new("RGB", (space, strip.height + 4), BACKGROUND)
    _write_label(ImageDraw.Draw(image), strip.height / 2, label, found)
    image.paste(strip, (_SIDE, 4))
    return image


def _header(probes: ProbeSet, index: int, space: int) -> Image.Image:
    """Number, mission and name of the probe."""
    told = [given[index] for given in (probes.missions, probes.names) if given is not None]
    return _text(" | ".join([f"probe {index:02d}", *(str(text) for text in told if text)]), space)


def _text(text: str, space: int) -> Image.Image:
    lines = wrapped(text, space - _SIDE - _GAP)
    image = Image.new("RGB", (space, len(lines) * LINE + 4), BACKGROUND)
    for row, line in enumerate(lines):
        write(ImageDraw.Draw(image), (_SIDE, row * LINE + 3), line)
    return image


def _write_label(draw: ImageDraw.ImageDraw, y: float, label: str, found: AttentionMap) -> None:
    write(draw, (_SIDE / 2, y - 7), label, size=SIZE, anchor="mm")
    among = "self" if found.queries == found.keys else "read"
    kind = "pool" if found.queries == ("query",) else among
    write(draw, (_SIDE / 2, y + 7), kind, size=SMALL, fill=FAINT, anchor="mm")


def _stacked(parts: list[Image.Image]) -> Image.Image:
    size = (max(part.width for part in parts), sum(part.height for part in parts))
    image = Image.new("RGB", size, BACKGROUND)
    top = 0
    for part in parts:
        image.paste(part, (0, top))
        top += part.height
    return image
