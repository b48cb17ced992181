"""Attention maps from run folders, which anyone may have made, and how they are drawn."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from rl_attention.comparison.arms import kind_of
from rl_attention.comparison.figures import figure, to_data_uri
from rl_attention.comparison.results import RunResult
from rl_attention.comparison.settings import shown
from rl_attention.errors import UserError
from rl_attention.files import read_arrays

NO_FOLDER = "maps need the run folders: give them in place of the result files alone"
NO_MAPS = "the run has recorded no maps, or no pictures to draw them on"

_FOLDER = "attention"
_FILE_NAME = re.compile(r"step_(\d{9,12})\.npz")
_LIMIT = 256 << 20
_ONE_TOKEN = ("global", "query")
_LARGEST_FRAME = 4096
_SIDE = 256

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class MapFigure:
    """Maps of one probe over training.

    Args:
        image: The figure as the address of an image.
        caption: What it shows.
    """

    image: str
    caption: str


@dataclass(frozen=True, eq=False)
class _Probe:
    frame: NDArray[np.uint8]
    boxes: NDArray[Any]
    agent: NDArray[Any] | None
    n_words: int
    mission: str


def draw_maps(runs: Sequence[RunResult]) -> MapFigure | str:
    """Draw the maps of the attention arm on the first probe: first, middle and last snapshot.

    Shown is the read-out of the last attention that reads entities, the pooling where it attends:
    the mean over heads of the weights of the first query, on the frame that the agent saw.

    Args:
        runs: The runs of one task, in the order of arm and seed.

    Returns:
        The figure, or why there is none.

    Raises:
        UserError: A file of the run folder is damaged.
    """
    attention = [run for run in runs if kind_of(run) == "attention"]
    first_arm = [run for run in attention if run.arm == attention[0].arm]
    run = next((run for run in first_arm if run.path is not None and run.path.is_dir()), None)
    if not attention:
        return "no arm has attention"
    if run is None or run.path is None:
        return NO_FOLDER
    steps = list(_choose(_list_snapshots(run.path)))
    if not steps:
        return NO_MAPS
    probe = _read_probe(run.path / "probes.npz")
    if probe is None:
        return NO_MAPS
    weights = {step: _read_weights(path, probe) for step, path in steps}
    if any(found is None for found in weights.values()):
        return "no attention of the run reads entities that have a place in the picture"
    caption = (
        f"Attention of {shown(run.arm)}, seed {run.seed}, on its first probe after "
        f"{_listed(list(weights))} frames; mean over heads."
    )
    mission = f" Mission: {probe.mission}." if probe.mission else ""
    return MapFigure(_draw(probe, weights), caption + mission)


def _list_snapshots(folder: Path) -> list[tuple[int, Path]]:
    place = folder / _FOLDER
    if place.is_symlink():
        raise UserError(f"{place}: expected a folder, got a symbolic link; put the folder there")
    if not place.is_dir():
        return []
    matches = ((_FILE_NAME.fullmatch(path.name), path) for path in place.iterdir())
    return sorted((int(match[1]), path) for match, path in matches if match)


def _choose(snapshots: Sequence[tuple[int, Path]]) -> Iterator[tuple[int, Path]]:
    """Take the first, a middle and the last, each once."""
    n = len(snapshots)
    for place in sorted({0, n // 2, n - 1} if n else ()):
        yield snapshots[place]


def _read_probe(path: Path) -> _Probe | None:
    arrays = read_arrays(path, limit=_LIMIT)
    if "frames" not in arrays or "boxes" not in arrays:
        return None
    frames = _take(arrays, "frames", "u", 4, path)
    boxes = _take(arrays, "boxes", "iu", 3, path)
    sides = frames.shape[1:3]
    fits = frames.dtype == np.uint8 and frames.shape[3] == 3 and boxes.shape[2] == 4
    if not fits or not len(frames) or not len(boxes) or not 1 <= min(sides) <= max(sides):
        raise UserError(f"{path}: expected frames `P H W 3` of uint8 and boxes `P N 4`, got others")
    if max(sides) > _LARGEST_FRAME:
        raise UserError(f"{path}: frames: expected at most {_LARGEST_FRAME} pixels, got {sides}")
    agent = None
    if "agent_boxes" in arrays:
        agent = _take(arrays, "agent_boxes", "iu", 2, path)
        if agent.shape != (len(frames), 4):
            raise UserError(f"{path}: agent_boxes: expected `P 4`, got {agent.shape}")
    words = _take(arrays, "words", "U", 2, path).shape[1] if "words" in arrays else 0
    mission = ""
    if "missions" in arrays:
        missions = _take(arrays, "missions", "U", 1, path)
        mission = shown(str(missions[0])) if len(missions) else ""
    return _Probe(frames[0], boxes[0], None if agent is None else agent[0], words, mission)


def _read_weights(path: Path, probe: _Probe) -> NDArray[np.float64] | None:
    """Return the weight of each box, and last that of the agent's; None if no layer has a place."""
    arrays = read_arrays(path, limit=_LIMIT)
    labels = [str(label) for label in _take(arrays, "layers", "U", 1, path)]
    for label in reversed([label for label in labels if label.startswith("l")]):
        weights = _take(arrays, f"{label}/weights", "f", 4, path)
        mask = _take(arrays, f"{label}/key_mask", "b", 2, path)
        keys = [str(key) for key in _take(arrays, f"{label}/keys", "U", 1, path)]
        if 0 in weights.shape or mask.shape != (len(weights), weights.shape[3]):
            raise UserError(f"{path}: {shown(label)}: expected a mask that fits the weights")
        parts = _segments(keys, weights.shape[3], len(probe.boxes), probe.n_words)
        if parts is None or "entities" not in parts:
            continue
        row = weights[0, :, 0].astype(np.float64).mean(axis=0) * mask[0]
        if not np.isfinite(row).all():
            raise UserError(f"{path}: {shown(label)}: expected finite weights, got others")
        own = row[parts["global"]] if "global" in parts else np.zeros(1)
        shares: NDArray[np.float64] = np.append(row[parts["entities"]], own).clip(0.0, 1.0)
        return shares
    return None


def _segments(
    keys: Sequence[str], length: int, n_entities: int, n_words: int
) -> dict[str, slice] | None:
    """Say where each segment of the keys lies; None where lengths do not tell."""
    known = {"entities": n_entities, "words": n_words, **dict.fromkeys(_ONE_TOKEN, 1)}
    sizes = [known.get(key, 0) for key in keys]
    if sum(sizes) != length or len({*keys}) < len(keys):
        return None
    ends = np.cumsum(sizes).tolist()
    return {key: slice(end - n, end) for key, n, end in zip(keys, sizes, ends, strict=True)}


def _take(arrays: Arrays, name: str, kinds: str, n_axes: int, path: Path) -> NDArray[Any]:
    array = arrays.get(name)
    if array is None or array.dtype.kind not in kinds or array.ndim != n_axes:
        got = "none" if array is None else f"{array.dtype} of {array.ndim} axes"
        raise UserError(
            f"{path}: {shown(name)}: expected an array of {n_axes} axes and kind {kinds}, got {got}"
        )
    return array


def _draw(probe: _Probe, weights: Mapping[int, Any]) -> str:
    scale = ScalarMappable(PowerNorm(0.5, vmin=0.0, vmax=1.0), "viridis")
    height, width = probe.frame.shape[:2]
    stride = max(1, -(-max(height, width) // _SIDE))
    grey = probe.frame[::stride, ::stride].mean(axis=2) * 0.45 + 30.0
    with figure(2.1 * len(weights) + 0.7, 2.4) as drawn:
        panels = drawn.subplots(1, len(weights), squeeze=False)[0]
        for axes, (step, row) in zip(panels, weights.items(), strict=True):
            axes.imshow(
                grey,
                cmap="gray",
                vmin=0,
                vmax=255,
                extent=(0, width, height, 0),
                interpolation="none",
            )
            _mark(axes, probe, row, scale)
            axes.set_title(f"{step:,} frames")
            axes.set_axis_off()
        drawn.colorbar(scale, ax=list(panels), label="attention weight", shrink=0.85)
        return to_data_uri(drawn)


def _mark(axes: Axes, probe: _Probe, row: NDArray[Any], scale: ScalarMappable) -> None:
    height, width = probe.frame.shape[:2]
    places = [*probe.boxes, *([] if probe.agent is None else [probe.agent])]
    limits = (width, height, width, height)
    shares = [*row[:-1], row[-1]][: len(places)]
    for box, weight in zip(places, shares, strict=True):
        x0, y0, x1, y1 = (
            min(max(int(edge), 0), end) for edge, end in zip(box, limits, strict=True)
        )
        if x1 <= x0 or y1 <= y0 or weight <= 0:
            continue  # padding
        red, green, blue, _ = scale.to_rgba(np.array([weight]))[0]
        colour = (red, green, blue)
        axes.add_patch(
            Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=(*colour, 0.72), edgecolor=colour, lw=1)
        )
        if weight >= max(shares):
            dark = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
            axes.text(
                (x0 + x1) / 2,
                (y0 + y1) / 2,
                f"{weight:.2f}".lstrip("0"),
                color="black" if dark else "white",
                ha="center",
                va="center",
                fontsize=7,
            )


def _listed(steps: Sequence[int]) -> str:
    *others, last = [f"{step:,}" for step in steps]
    return f"{', '.join(others)} and {last}" if others else last
