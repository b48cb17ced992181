"""The sets of tokens that a model or an environment has."""

from typing import Any, cast

from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.doctor.findings import NotApplicable
from rl_attention.doctor.parts import WHOLE, parts_of
from rl_attention.doctor.subject import Subject
from rl_attention.errors import UserError
from rl_attention.extractors.base import TokenExtractor
from rl_attention.tokenizers import TokenOptions, read_schema
from rl_attention.tokenizers.schema import SetSpec


def find_sets(subject: Subject) -> list[tuple[str, SetSpec, spaces.Box]]:
    """List the sets whose tokens have columns: their keys, what they are, and their raw Boxes.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is none.
    """
    try:
        sets = read_schema(subject.raw_space, token_options(subject)).sets
    except UserError as error:
        raise NotApplicable("the space holds no set of entities") from error
    found = []
    for one in sets:
        if one.kind != "pixels":
            key = WHOLE if one.key is None else one.key
            found.append((key, one, cast(spaces.Box, parts_of(subject.raw_space)[key])))
    if not found:
        raise NotApplicable("pixels are numbers")
    return found


def require_ours(subject: Subject) -> None:
    """Go on if the model's extractor is ours, or there is no model to say otherwise.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: The extractor reads observations in a way of its own.
    """
    if subject.model is not None and not isinstance(subject.network().extractor, TokenExtractor):
        raise NotApplicable("the extractor reads observations in a way of its own")


def token_options(subject: Subject) -> TokenOptions:
    """Return how the model's extractor reads observations; the defaults if it is none of ours.

    Args:
        subject: What is examined.
    """
    try:
        extractor = subject.network().extractor
    except NotApplicable:
        return TokenOptions()
    return extractor.tokenizer.options if isinstance(extractor, TokenExtractor) else TokenOptions()


def real_rows(subject: Subject, key: str, found: SetSpec) -> NDArray[Any]:
    """Return the rows of a set that its mask says are real, of all observations.

    Args:
        subject: What is examined.
        key: The key of the set.
        found: What it is.

    Raises:
        NotApplicable: Nothing was observed.
    """
    observed = subject.observations()
    values = observed[key]
    rows = values.reshape(-1, values.shape[-1])
    if found.mask_key is None:
        return rows
    flags = observed[found.mask_key]
    newest = flags.reshape(len(values), -1)[:, -(len(rows) // len(values)) :]  # of stacked frames
    real: NDArray[Any] = rows[newest.reshape(-1) != 0]
    return real
