"""A replay as pictures: one step as PNG, all of them as an animated GIF."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from rl_attention.errors import UserError, suggest
from rl_attention.files import write_atomically
from rl_attention.recording.drawing.colours import BACKGROUND, FAINT, INK
from rl_attention.recording.drawing.text import LINE, fitted, wrapped, write
from rl_attention.viewer.film import Film, window_length
from rl_attention.viewer.picture_parts import (
    AREA,
    BARS,
    SCALE_HEIGHT,
    area_height,
    draw_decision,
    draw_frame,
    draw_scale,
    one_line,
)
from rl_attention.viewer.places import Shown, side_by_side
from rl_attention.viewer.schema import MapMeta, Replay, Run, Step
from rl_attention.viewer.shades import Range, range_of

FPS = 4.0
MOST_FPS = 50.0
"""A GIF counts in hundredths of a second, and browsers slow down what is quicker."""

_GAP = 12
_WIDTH = AREA + BARS + 3 * _GAP
_COLOURS = 192


@dataclass(frozen=True)
class _Panel:
    """What stays the same in all pictures of a run."""

    run: Run
    kind: MapMeta | None
    span: Range | None
    area: int
    film: Film | None

    @property
    def top(self) -> int:
        told = any(step.mission for step in self.run.steps)
        return _GAP + (4 if told else 2) * LINE + _GAP // 2

    @property
    def bottom(self) -> int:
        """Where the strip of past frames begins."""
        actions = len(self.run.actions) or len(self.run.steps[0].mean or ())
        left = self.area + SCALE_HEIGHT + _GAP
        return self.top + max(left, actions * (LINE + 4) + 5 * LINE)

    @property
    def height(self) -> int:
        return self.bottom + (0 if self.film is None else self.film.size[1] + _GAP)


def save_png(replay: Replay, path: Path, *, step: int = 0, map: str | None = None) -> None:
    """Write one step as a PNG file: frame with a map over it, bars of the actions, text.

    Of a run that reads past frames the film strip stands below.

    Args:
        replay: The data.
        path: Where it goes; missing folders are made.
        step: Which of the page's steps, 0 the first; negative ones count from the end.
        map: Id of a map; None: the first of each run. A run without it shows occlusion.

    Raises:
        UserError: There is no such step or map, or a frame is damaged.
    """
    shown = side_by_side(replay)
    if not -len(shown) <= step < len(shown):
        raise UserError(f"step: expected one of {len(shown)}, 0 to {len(shown) - 1}, got {step}")
    image = _draw_all(_panels(replay, map), shown[step])
    write_atomically(path, lambda file: image.save(file, format="PNG"))


def save_gif(replay: Replay, path: Path, *, map: str | None = None, fps: float = FPS) -> None:
    """Write all steps as an animated GIF that goes round.

    Args:
        replay: The data.
        path: Where it goes; missing folders are made.
        map: Id of a map; None: the first of each run. A run without it shows occlusion.
        fps: Steps a second.

    Raises:
        UserError: There is no such map, the speed is out of range, or a frame is damaged.
    """
    if not 0 < fps <= MOST_FPS:
        raise UserError(f"fps: expected a number above 0, at most {MOST_FPS:g}, got {fps:g}")
    first, *rest = _draw_steps(replay, map)
    write_atomically(
        path,
        lambda file: first.save(
            file,
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=round(1000 / fps),
            loop=0,
            disposal=1,
        ),
    )


def _draw_steps(replay: Replay, map_id: str | None) -> Iterator[Image.Image]:
    """Draw every step; one palette for each, so that a long replay fits into memory."""
    panels = _panels(replay, map_id)
    for shown in side_by_side(replay):
        picture = _draw_all(panels, shown)
        yield picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def _panels(replay: Replay, map_id: str | None) -> list[_Panel]:
    known = {kind.id: kind for run in replay.runs for kind in run.maps}
    if map_id is not None and map_id not in known:
        raise UserError(
            f"map: expected a map of the replay, got {map_id!r}; {_hint(map_id, known)}"
        )
    return [_panel(run, map_id) for run in replay.runs]


def _hint(map_id: str, known: dict[str, MapMeta]) -> str:
    return suggest(map_id, known) if known else "it has none"


def _panel(run: Run, map_id: str | None) -> _Panel:
    maps = {kind.id: kind for kind in run.maps}
    first = next(iter(maps.values()), None)
    kind = first if map_id is None else maps.get(map_id, maps.get("occlusion"))
    span = None if kind is None else range_of(run, kind)
    film = None
    if kind is not None and span is not None and window_length(run) > 1:
        film = Film(run, kind, span, _WIDTH - 2 * _GAP)
    return _Panel(run, kind, span, area_height(run), film)


def _draw_all(panels: list[_Panel], shown: tuple[Shown | None, ...]) -> Image.Image:
    height = max(panel.height for panel in panels)
    image = Image.new("RGB", (_WIDTH * len(panels), height), BACKGROUND)
    for column, (panel, found) in enumerate(zip(panels, shown, strict=True)):
        image.paste(_draw(panel, found, height), (column * _WIDTH, 0))
    return image


def _draw(panel: _Panel, found: Shown | None, height: int) -> Image.Image:
    image = Image.new("RGB", (_WIDTH, height), BACKGROUND)
    draw = ImageDraw.Draw(image)
    room = _WIDTH - 2 * _GAP
    write(draw, (_GAP, _GAP), fitted(one_line(f"{panel.run.name}, {panel.run.env}"), room))
    if found is None:
        write(draw, (_GAP, _GAP + LINE), "This run has no such episode.", fill=FAINT)
        return image
    step = found.step
    over = " (ended)" if found.ended else ""
    where = f"episode {step.episode}, step {step.t}{over}"
    write(draw, (_GAP, _GAP + LINE), where, fill=FAINT)
    for row, line in enumerate(wrapped(step.mission, room)[:2]):
        write(draw, (_GAP, _GAP + (2 + row) * LINE), line)
    top = panel.top
    image.paste(draw_frame(panel.run, step, panel.kind, panel.span), (_GAP, top))
    if panel.kind is not None and panel.span is not None:
        scale = draw_scale(panel.kind, panel.span, step.values.get(panel.kind.id, []))
        image.paste(scale, (_GAP, top + panel.area + _GAP // 2))
    if panel.film is not None:
        image.paste(panel.film.draw(step), (_GAP, panel.bottom))
    left = AREA + 2 * _GAP
    decision = draw_decision(panel.run, step)
    image.paste(decision, (left, top))
    _write_facts(draw, panel.run, step, (left, top + decision.height + LINE // 2))
    return image


def _write_facts(draw: ImageDraw.ImageDraw, run: Run, step: Step, place: tuple[int, int]) -> None:
    """Value, reward, end, and what the test of the map says."""
    lines = []
    if run.value_name is not None and step.value is not None:
        lines.append((f"{run.value_name} {step.value:.3f}", INK))
    end = {True: ", success", False: ", failure", None: ", end"}[step.success] if step.done else ""
    lines.append((f"reward {step.reward:.3f}{end}", INK))
    if run.verdict is not None:
        text = one_line(f"{run.verdict.map}: {run.verdict.word}")
        lines.append((text, FAINT))
    for row, (text, fill) in enumerate(lines):
        write(draw, (place[0], place[1] + row * LINE), fitted(text, BARS), fill=fill)
