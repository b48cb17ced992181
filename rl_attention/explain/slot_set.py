"""One set of tokens in an observation, so that one of them can be taken out."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rl_attention.tokenizers.schema import SetSpec

Batch: TypeAlias = dict[str, NDArray[Any]] | NDArray[Any]


@dataclass(frozen=True)
class SlotSet:
    """One set of an observation.

    Attributes:
        spec: Its key, kind and mask.
        n_tokens: How many tokens it has.
        presence: Column that says which rows are real; None: no column does.
        n_stack: How many frames are stacked.
        patch: Side of a patch, where it is an image.
        channels_first: How an image is laid out.
    """

    spec: SetSpec
    n_tokens: int
    presence: int | None = None
    n_stack: int = 1
    patch: int = 1
    channels_first: bool = True

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.spec.name

    @property
    def token_size(self) -> int:
        """How many numbers a token has."""
        return int(np.prod(self.spec.space.shape)) // self.n_tokens

    @property
    def maskable(self) -> bool:
        """Whether the observation can say that a token is not there."""
        return self.spec.mask_key is not None or self.presence is not None

    def present(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell which tokens are real, `B n_tokens`."""
        if self.presence is not None:
            return np.asarray(self.tokens(batch)[..., self.presence] > 0.5)
        if self.spec.mask_key is None:
            return np.ones((_length(batch), self.n_tokens), bool)
        assert isinstance(batch, dict)
        return np.asarray(self._newest_flags(batch[self.spec.mask_key]) > 0.5)

    def set_present(self, batch: Batch, where: NDArray[np.bool_], *, to: int) -> None:
        """Write into the flags of chosen tokens, in place; nothing where there are no flags."""
        if self.presence is not None:
            tokens = self.tokens(batch)
            tokens[where, self.presence] = to
            self.put(batch, tokens)
        elif self.spec.mask_key is not None:
            assert isinstance(batch, dict)
            self._newest_flags(batch[self.spec.mask_key])[where] = to

    def tokens(self, batch: Batch) -> NDArray[Any]:
        """Give the tokens as rows, `B n_tokens F`: a view where the layout allows, or a copy."""
        values = self._values(batch)
        if self.spec.kind == "pixels":
            return _patches(self._last(values), self.patch)
        return values.reshape(len(values), self.n_tokens, -1)

    def put(self, batch: Batch, tokens: NDArray[Any]) -> None:
        """Write rows `B n_tokens F` back, in place."""
        values = self._values(batch)
        if self.spec.kind == "pixels":
            last = self._last(values)
            last[...] = _picture(tokens, last.shape, self.patch)
        else:
            values[...] = tokens.reshape(values.shape)

    def _values(self, batch: Batch) -> NDArray[Any]:
        if isinstance(batch, dict):
            assert self.spec.key is not None
            return batch[self.spec.key]
        return batch

    def _last(self, images: NDArray[Any]) -> NDArray[Any]:
        return np.moveaxis(images, 1, -1) if self.channels_first else images

    def _newest_flags(self, flags: NDArray[Any]) -> NDArray[Any]:
        rows = flags.reshape(len(flags), -1)  # a view: environments give contiguous arrays
        return rows[:, -self.n_tokens :]


def _length(batch: Batch) -> int:
    return len(next(iter(batch.values()))) if isinstance(batch, dict) else len(batch)


def _patches(images: NDArray[Any], side: int) -> NDArray[Any]:
    """Cut `B H W C` into `B N side*side*C`, row by row."""
    batch, height, width, channels = images.shape
    cut = images.reshape(batch, height // side, side, width // side, side, channels)
    count = (height // side) * (width // side)
    return np.ascontiguousarray(cut.swapaxes(2, 3)).reshape(batch, count, -1)


def _picture(patches: NDArray[Any], shape: tuple[int, ...], side: int) -> NDArray[Any]:
    """Undo `_patches`."""
    batch, height, width, channels = shape
    cut = patches.reshape(batch, height // side, width // side, side, side, channels)
    return cut.swapaxes(2, 3).reshape(shape)
