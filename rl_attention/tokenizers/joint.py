"""Sets of several types read as one: a vector tells which type a token is of."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rl_attention.nn import Packed
from rl_attention.tokenizers.sets import SetTokenizer


class JointTokenizer(nn.Module):
    """The tokens of several sets, one set after the other; each type has encoders of its own.

    Args:
        parts: The tokenizers of the sets.
        width: Size `D` of a token.
    """

    spans = None

    def __init__(self, parts: Sequence[SetTokenizer], width: int) -> None:
        super().__init__()
        for part in parts:
            part.trims = False  # so that each set keeps its place in a map
        self.parts = nn.ModuleList(parts)
        self.types = nn.Parameter(torch.randn(len(parts), width) / width**0.5)
        self.n_tokens = sum(part.n_tokens for part in parts)

    def forward(
        self, values: Sequence[Tensor], masks: Sequence[Tensor | None]
    ) -> tuple[Packed, None]:
        """Map the sets and their masks to tokens, which have no place in common."""
        tokens, layouts = [], []
        for part, kind, given, mask in zip(self.parts, self.types, values, masks, strict=True):
            (found, layout), _ = part(given, mask)
            tokens.append(found + kind)
            layouts.append(layout)
        joint = layouts[0]
        for layout in layouts[1:]:
            joint = joint.then(layout)
        return Packed(torch.cat(tokens), joint), None
