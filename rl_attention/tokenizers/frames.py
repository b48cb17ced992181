"""Past frames of a set to tokens, as `HistoryVecEnv` shows them: `T` steps of `N` rows each.

The place of a token is the age of its step: 0 is now, whatever the length of the window.
"""

from typing import NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.nn import Layout, Linear, Packed, full_layout, layout_of
from rl_attention.nn.functional import row_max, row_mean
from rl_attention.tokenizers.columns import ColumnEncoder
from rl_attention.tokenizers.companions import Companions
from rl_attention.tokenizers.distinct import MOST_KEPT, distinct_rows, worth_searching
from rl_attention.tokenizers.options import TokenOptions
from rl_attention.tokenizers.sets import SetTokenizer
from rl_attention.tokenizers.tokens import read_mask


class Frames(NamedTuple):
    """Past frames and what came with them, oldest first.

    Attributes:
        rows: `B T N F`.
        steps: Flags, `B T`: 1 where there was a step; None: there was one everywhere.
        actions: What was done before each step, `B T ...`; None: nobody knows.
        rewards: What came with each step, `B T`; None: nobody knows.
    """

    rows: Tensor
    steps: Tensor | None = None
    actions: Tensor | None = None
    rewards: Tensor | None = None


class StepEncoder(nn.Module):
    """One vector a step: that there was one, what was done before it, and what came of that.

    Args:
        companions: What is known of the steps.
        width: Size `D` of a vector.
    """

    def __init__(self, companions: Companions, width: int) -> None:
        super().__init__()
        self.step = nn.Parameter(torch.randn(width) / width**0.5)
        parts = (companions.actions, companions.rewards)
        self.actions, self.rewards = (
            None if part is None else ColumnEncoder(part.space, width, name=part.key)
            for part in parts
        )

    def forward(self, frames: Frames, layout: Layout) -> Tensor:
        """Encode the steps that a layout lists, `S D`."""
        found = self.step.expand(len(layout.row), -1)
        for encoder, values in ((self.actions, frames.actions), (self.rewards, frames.rewards)):
            if encoder is not None and values is not None:
                rows = values.reshape(*frames.rows.shape[:2], -1)
                found = found + encoder(layout.pack(rows))
        return found


class FrameTokenizer(SetTokenizer):
    """What all ways to read past frames share.

    Args:
        space: The Box, `T N F`.
        options: How the set becomes tokens.
        name: What it is called.
        companions: What else is known of the steps.
        tokens: The step of each token (0 is now, negative ones are past) and its row; a token that
            stands for the whole step has none.

    Attributes:
        sums_steps: Whether the token of a step holds rows of its frame.
    """

    trims = False  # a slot tells the step
    grows = True
    sums_steps = False

    def __init__(
        self,
        space: spaces.Box,
        options: TokenOptions,
        name: str,
        companions: Companions,
        tokens: list[tuple[int, int | None]],
    ) -> None:
        n_steps = space.shape[0]
        super().__init__(options, kind="frames", n_tokens=len(tokens), spans=(n_steps,))
        self.n_steps = n_steps
        self.steps = tuple(step for step, _ in tokens)
        self.rows = tuple(row for _, row in tokens)
        self.mask_name = f"{name}_mask"
        self.steps_name = f"{name}_steps"
        self.encoder = self.make_encoder(space, options, name)

    def step_layout(self, frames: Frames) -> Layout:
        """Find the steps that there were."""
        if frames.steps is None:
            return full_layout(len(frames.rows), self.n_steps, frames.rows.device)
        return layout_of(read_mask(frames.steps, name=self.steps_name), trim=False)


class FrameEntityTokenizer(FrameTokenizer):
    """One token a real row of every step, and one a step for what was done and what came.

    The rows of all steps come first, then the steps. Without anything that tells of the steps there
    are rows alone. Rows may be more or fewer than in the space.

    Args:
        space: The Box, `T N F`.
        options: How the set becomes tokens.
        name: What it is called.
        companions: What else is known of the steps.
    """

    def __init__(
        self, space: spaces.Box, options: TokenOptions, name: str, companions: Companions
    ) -> None:
        n_steps, n_rows = space.shape[:2]
        ages = range(1 - n_steps, 1)
        tokens: list[tuple[int, int | None]] = [(age, row) for age in ages for row in range(n_rows)]
        tokens += [(age, None) for age in ages] if companions.keys else []
        super().__init__(space, options, name, companions, tokens)
        self.step = StepEncoder(companions, options.width) if companions.keys else None

    def forward(self, values: Frames, mask: Tensor | None) -> tuple[Packed, Tensor]:
        """Map frames and a mask `B T N` (None: all rows are real) to tokens and their ages."""
        rows = values.rows.flatten(start_dim=1, end_dim=2)
        layout = self.layout(rows, mask)
        tokens, step = self.encoder(layout.pack(rows)), layout.slot // values.rows.shape[2]
        if self.step is not None:
            steps = self.step_layout(values)
            tokens = torch.cat([tokens, self.step(values, steps)])
            step = torch.cat([step, steps.slot])
            layout = layout.then(steps)
        places = (self.n_steps - 1 - step)[:, None]
        return Packed(self.placed(tokens, places), layout), places


class FrameSummaryTokenizer(FrameTokenizer):
    """One token a step: its rows, the mean and the largest of each feature, and what was done.

    An agent in a world of symbols sees the same frame in many windows and many times: of a large
    batch of whole numbers, each distinct frame is embedded once.

    Args:
        space: The Box, `T N F`.
        options: How the set becomes tokens.
        name: What it is called.
        companions: What else is known of the steps.
    """

    trims = True  # a slot is a row of a frame
    sums_steps = True
    places: Tensor | None  # of every slot, where each is a step

    def __init__(
        self, space: spaces.Box, options: TokenOptions, name: str, companions: Companions
    ) -> None:
        n_steps, width = space.shape[0], options.width
        rows = self.list_rows(space.shape[1])
        tokens = [*rows, *((age, None) for age in range(1 - n_steps, 1))]
        super().__init__(space, options, name, companions, tokens)
        self.symbolic = np.issubdtype(space.dtype, np.integer)
        self.hidden = nn.Sequential(Linear(width, width), nn.GELU())
        self.pooled = Linear(2 * width, width)
        self.step = StepEncoder(companions, width)
        ages = torch.arange(n_steps - 1, -1, -1)[:, None]
        self.register_buffer("places", None if rows else ages, persistent=False)

    @staticmethod
    def list_rows(n_rows: int) -> list[tuple[int, int]]:
        """List the rows that have tokens of their own: none."""
        return []

    def forward(self, values: Frames, mask: Tensor | None) -> tuple[Packed, Tensor]:
        """Map frames and a mask `B T N` (None: all rows are real) to tokens and their ages."""
        layout = self.step_layout(values)
        rows, real = values.rows, None
        if self.presence is None and mask is not None:
            rows, real = _without_unused(rows, mask.reshape(rows.shape[:3]))
        frames = layout.pack(rows)  # S N F
        flags = None if real is None else layout.pack(real)
        tokens = self._frames(frames, flags) + self.step(values, layout)
        places = (self.n_steps - 1 - layout.slot)[:, None]
        return Packed(self.placed(tokens, places), layout), places

    def _frames(self, frames: Tensor, flags: Tensor | None) -> Tensor:
        """Map `S` frames to vectors, equal ones of a large batch once."""
        if not self.symbolic or frames.requires_grad or not worth_searching({"frames": frames}):
            return self._embedded(frames, flags)
        parts = frames.flatten(start_dim=1).float()
        if flags is not None:
            parts = torch.cat([parts, flags.float()], dim=1)
        first, which = distinct_rows(parts)
        if len(first) > MOST_KEPT * len(which):
            return self._embedded(frames, flags)
        chosen = None if flags is None else flags.index_select(0, first)
        return self._embedded(frames.index_select(0, first), chosen).index_select(0, which)

    def _embedded(self, frames: Tensor, flags: Tensor | None) -> Tensor:
        layout = self.layout(frames, flags)
        rows = self.hidden(self.encoder(layout.pack(frames)))
        return self.pooled(torch.cat([row_mean(rows, layout), row_max(rows, layout)], dim=-1))


class FrameNewestTokenizer(FrameSummaryTokenizer):
    """One token a real row of now, and one a step: the rows of the past, and what was done.

    What is in sight is acted upon, so it is not pooled; the token of now says what was done last. A
    window costs no more than its steps and what is in sight.

    Args:
        space: The Box, `T N F`.
        options: How the set becomes tokens.
        name: What it is called.
        companions: What else is known of the steps.
    """

    @staticmethod
    def list_rows(n_rows: int) -> list[tuple[int, int]]:
        """List the rows that have tokens of their own: those of now."""
        return [(0, row) for row in range(n_rows)]

    def forward(self, values: Frames, mask: Tensor | None) -> tuple[Packed, Tensor]:
        """Map frames and a mask `B T N` (None: all rows are real) to tokens and their ages."""
        rows = values.rows[:, -1]
        flags = values.rows.new_ones(values.rows.shape[:3]) if mask is None else mask
        flags = flags.reshape(values.rows.shape[:3])
        real = flags[:, -1] if self.presence is None else rows[..., self.presence]
        layout = layout_of(read_mask(real, name=self.mask_name), trim=False)
        ages = torch.zeros_like(layout.slot)[:, None]
        tokens = self.placed(self.encoder(layout.pack(rows)), ages)
        steps, places = super().forward(*self._without_now(values, flags))
        joint = layout.then(steps.layout)
        return Packed(torch.cat([tokens, steps.tokens]), joint), torch.cat([ages, places])

    def _without_now(self, values: Frames, flags: Tensor) -> tuple[Frames, Tensor]:
        """Let the newest frame be empty, so that its rows are not summed up as well."""
        if self.presence is None:
            past = torch.ones(self.n_steps, 1, device=flags.device, dtype=flags.dtype)
            past[-1] = 0
            return values, flags * past
        rows = values.rows.clone()
        rows[:, -1, :, self.presence] = 0
        return values._replace(rows=rows), flags


def _without_unused(rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Leave out the slots of `B T N ...` behind the last one that is real anywhere."""
    if torch.compiler.is_compiling():
        return rows, mask
    used = mask.flatten(end_dim=1).sum(dim=0).nonzero()  # faster than any
    n_slots = int(used[-1]) + 1 if len(used) else 1
    return rows[:, :, :n_slots], mask[:, :, :n_slots]


FRAME_TOKENIZERS: dict[str, type[FrameEntityTokenizer | FrameSummaryTokenizer]] = {
    "entities": FrameEntityTokenizer,
    "newest": FrameNewestTokenizer,
    "summary": FrameSummaryTokenizer,
}
"""From what becomes of the rows of past frames to its tokenizer."""
