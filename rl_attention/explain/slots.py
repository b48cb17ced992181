"""Where the tokens of all sets lie in an observation, so that one of them can be taken out."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.explain.frame_slots import find_frame_sets
from rl_attention.explain.slot_set import Batch, SlotSet
from rl_attention.recording.locate import acting_extractor
from rl_attention.tokenizers.options import TokenOptions
from rl_attention.tokenizers.schema import read_schema


class Slots:
    """All tokens of an observation that can be taken out, in the order of the segment `entities`.

    Args:
        model: A Stable-Baselines3 algorithm. Where its extractor is none of ours, the observation
            space alone says what the tokens are: `docs/spaces.md`.

    Raises:
        UserError: The observation has no set of tokens.
    """

    def __init__(self, model: Any) -> None:
        self.sets = tuple(_find_sets(model))
        self.n_tokens = sum(found.n_tokens for found in self.sets)

    def present(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell which tokens are real, `B N`."""
        return np.concatenate([found.present(batch) for found in self.sets], axis=1)

    def split(self, where: NDArray[Any]) -> Iterator[tuple[SlotSet, NDArray[Any]]]:
        """Give each set with its columns of `B N`."""
        first = 0
        for found in self.sets:
            yield found, where[:, first : first + found.n_tokens]
            first += found.n_tokens


def _find_sets(model: Any) -> Iterator[SlotSet]:
    tokenizer = getattr(acting_extractor(model), "tokenizer", None)
    schema = getattr(tokenizer, "schema", None)
    if tokenizer is None or schema is None:
        schema, options, parts = _read_space(model), TokenOptions(), None
    else:
        options = tokenizer.options
        parts = getattr(tokenizer.entities, "parts", [tokenizer.entities])
    for index, spec in enumerate(schema.sets):
        part = None if parts is None else parts[index]
        if spec.kind == "frames":
            yield from find_frame_sets(spec, part)
            continue
        yield SlotSet(
            spec,
            spec.n_tokens if part is None else part.n_tokens,
            options.presence_of(spec.name) if part is None else part.presence,
            options.n_stack,
            getattr(part, "patch_size", 1),
            getattr(part, "channels_first", True),
        )


def _read_space(model: Any) -> Any:
    try:
        schema = read_schema(model.observation_space)
    except UserError as error:
        raise UserError(
            f"expected observations with a set of entities to take out, but of "
            f"{type(model).__name__}'s: {error}"
        ) from None
    if any(spec.kind == "pixels" for spec in schema.sets):
        raise UserError(
            "expected an extractor that cuts its image into patches, got an image and "
            f"{type(acting_extractor(model)).__name__}: there is nothing to take out one by one"
        )
    return schema


def copy_batch(batch: Batch | Mapping[str, NDArray[Any]], rows: NDArray[np.intp]) -> Batch:
    """Choose rows of a batch, as arrays of their own.

    Args:
        batch: Observations, first axis `B`.
        rows: Numbers of rows.
    """
    if isinstance(batch, Mapping):
        return {key: np.ascontiguousarray(values[rows]) for key, values in batch.items()}
    return np.ascontiguousarray(batch[rows])
