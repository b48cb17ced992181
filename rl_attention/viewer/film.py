"""The film strip of a picture: what each step of the window has, and the frames of the largest."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from rl_attention.recording.drawing.colours import BACKGROUND, FAINT
from rl_attention.recording.drawing.film import GROUND, StepSums, step_bars, sum_steps
from rl_attention.recording.drawing.text import LINE, SMALL, fitted, write
from rl_attention.recording.tokens import when
from rl_attention.viewer.picture_parts import AREA, area_height, draw_frame, one_line
from rl_attention.viewer.places import of_now
from rl_attention.viewer.schema import Entity, MapMeta, Run, Step
from rl_attention.viewer.shades import Range, shade, span_of

_BARS, _SMALL, _GAP, _FRAMES = 48, 72, 4, 8


def window_length(run: Run) -> int:
    """Return how many steps the window of a run has at most; 1: it reads now alone.

    Args:
        run: The run.
    """
    scenes = (*run.steps, *run.probes)
    return 1 - min((entity.step for scene in scenes for entity in scene.entities), default=0)


class Film:
    """Draws the strips of a run, all of one size.

    Args:
        run: The run.
        kind: The map whose numbers are summed.
        span: Range of the map, for the colours of the frames.
        width: Of the strips in pixels.
    """

    def __init__(self, run: Run, kind: MapMeta, span: Range, width: int) -> None:
        self._run, self._kind, self._span = run, kind, span
        self._length = window_length(run)
        self._moments = {(step.episode, step.t): step for step in run.steps}
        self._frame_height = round(_SMALL * area_height(run) / AREA)
        self._scale = self._range_of_sums()
        frames = self._frame_height + 2 * LINE if run.frames else 0
        self.size = (width, _BARS + 2 * LINE + frames)

    def draw(self, step: Step) -> Image.Image:
        """Draw the window of a step.

        Args:
            step: One of the run's.
        """
        image = Image.new("RGB", self.size, BACKGROUND)
        if not step.values.get(self._kind.id):
            return image
        draw = ImageDraw.Draw(image)
        sums = self._sums(step)
        best = int(np.argmax(sums.values))
        told = f"largest: {when(int(sums.steps[best]))}, {sums.values[best]:.3f}"
        title = f"{one_line(self._kind.title)}, the sum of each step; {told}"
        write(draw, (0, 0), fitted(title, image.width, SMALL), size=SMALL, fill=FAINT)
        self._paste_bars(image, sums)
        bottom = LINE + _BARS + 2
        write(draw, (0, bottom), when(1 - self._length), size=SMALL, fill=FAINT)
        write(draw, (image.width, bottom), when(0), size=SMALL, fill=FAINT, anchor="ra")
        if self._run.frames:
            self._paste_frames(image, step, sums, bottom + LINE)
        return image

    def _sums(self, step: Step) -> StepSums:
        values = step.values[self._kind.id]
        ages = np.array([entity.step for entity in step.entities])
        return sum_steps(ages, np.array(values), sum(values) / len(values))

    def _range_of_sums(self) -> Range:
        measured = [step for step in self._run.steps if step.values.get(self._kind.id)]
        sums = (value for step in measured for value in self._sums(step).values)
        return span_of(sums, signed=self._kind.signed)

    def _paste_bars(self, image: Image.Image, sums: StepSums) -> None:
        """Bars in the colours of the whole replay, as high as the largest of the step."""
        span = span_of(sums.values, signed=self._kind.signed)
        # the steps before the episode stay empty
        left = image.width * (self._length - len(sums.steps)) // self._length
        bars = step_bars(
            sums,
            (image.width - left, _BARS),
            least=span.low,
            most=span.high,
            shade=lambda value: shade(value, self._scale),
        )
        image.paste(GROUND, (0, LINE, image.width, LINE + _BARS))
        image.paste(bars, (left, LINE))

    def _paste_frames(self, image: Image.Image, step: Step, sums: StepSums, top: int) -> None:
        """The frames of the steps with the largest sums, oldest first."""
        most = min(_FRAMES, (image.width + _GAP) // (_SMALL + _GAP))
        chosen = np.sort(np.argsort(-sums.values, kind="stable")[:most])
        given = list(zip(step.entities, step.values[self._kind.id], strict=True))
        for column, age in enumerate(sums.steps[chosen].tolist()):
            tokens = [_Token(entity, value) for entity, value in given if entity.step == age]
            then = self._moments.get((step.episode, step.t + age))
            self._paste_frame(image, (column * (_SMALL + _GAP), top), then, tokens, age)

    def _paste_frame(
        self,
        image: Image.Image,
        place: tuple[int, int],
        then: Step | None,
        tokens: list["_Token"],
        age: int,
    ) -> None:
        """The frame of an earlier step of the episode, tinted by what its entities have now."""
        left, top = place
        draw = ImageDraw.Draw(image)
        write(draw, place, when(age), size=SMALL)
        if then is not None:
            entities = of_now(then)
            # the frame is the same, and so are its tokens and their order
            values = [token.value for token in tokens] if len(tokens) == len(entities) else []
            update = {"entities": entities, "values": {self._kind.id: values}}
            shown = then.model_copy(update=update)
            frame = draw_frame(self._run, shown, self._kind, self._span, named=False)
            size = (_SMALL, round(_SMALL * frame.height / frame.width))
            image.paste(frame.resize(size, Image.Resampling.LANCZOS), (left, top + LINE - 2))
        if tokens:
            entity, value = max(tokens, key=lambda token: token.value)
            name = one_line(entity.label or entity.type).removeprefix(f"{when(age)} ")
            text = f"{value:.2f} {name}"
            low = top + LINE + self._frame_height
            write(draw, (left, low), fitted(text, _SMALL, SMALL), size=SMALL, fill=FAINT)


class _Token(NamedTuple):
    entity: Entity
    value: float
