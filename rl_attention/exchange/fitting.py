"""Whether the extractor in a file fits one that is there, and if not, why."""

from pathlib import Path
from typing import TypeAlias

from rl_attention.errors import UserError
from rl_attention.exchange.options import find_differing
from rl_attention.exchange.places import named_weights
from rl_attention.exchange.recipe import Recipe, recipe_of
from rl_attention.exchange.spaces import explain_difference, find_other_slots, shown
from rl_attention.exchange.stored import Header, kind_of
from rl_attention.extractors.base import TokenExtractor
from rl_attention.tokenizers.schema import WORDS_MASK_KEY
from rl_attention.tokenizers.sets import FixedPlaceTokenizer

Kind: TypeAlias = tuple[str, list[int]]
"""Type and shape of a tensor."""

_SHOWN = 4


def check_fits(header: Header, extractor: TokenExtractor, where: str, path: Path) -> None:
    """Compare class, options, observations, and names and sizes of the weights.

    Args:
        header: What the file says.
        extractor: The extractor that the weights are for.
        where: The path to it.
        path: The file.

    Raises:
        UserError: Something differs.
    """
    ours = recipe_of(extractor)
    try:
        _compare_classes(header.recipe, ours)
        _compare_options(header.recipe, ours, extractor)
        _compare_spaces(header.recipe, ours, extractor)
        _compare_weights(header, ours, extractor)
    except UserError as error:
        raise UserError(f"{path}: does not fit {where}: {error}") from None


def _compare_classes(stored: Recipe, ours: Recipe) -> None:
    if stored.extractor != ours.extractor:
        raise UserError(
            f"expected the extractor {ours.extractor!r}, got {stored.extractor!r}: build the model "
            "with the same class"
        )


def _compare_options(stored: Recipe, ours: Recipe, extractor: TokenExtractor) -> None:
    space = extractor._observation_space
    names = find_differing(stored.options, ours.options, space, has_image=ours.has_image)
    if not names:
        return
    expected, got = (
        ", ".join(_option(name, recipe) for name in names[:_SHOWN]) for recipe in (ours, stored)
    )
    raise UserError(
        f"expected {expected}, got {got}: build the model with features_extractor_kwargs as in the "
        "file"
    )


def _option(name: str, recipe: Recipe) -> str:
    label = name if name.isidentifier() and len(name) < 40 else shown(name)
    return f"{label}={shown(recipe.options[name])}" if name in recipe.options else f"no {label}"


def _compare_spaces(stored: Recipe, ours: Recipe, extractor: TokenExtractor) -> None:
    free = not any(isinstance(m, FixedPlaceTokenizer) for m in extractor.tokenizer.modules())
    masks = _mask_keys(extractor)
    difference = explain_difference(stored.space, ours.space, masks=masks, slots_are_free=free)
    if difference is not None:
        raise UserError(f"{difference}: its weights mean nothing there, give it the same space")


def _compare_weights(header: Header, ours: Recipe, extractor: TokenExtractor) -> None:
    wanted = {name: kind_of(tensor) for name, tensor in named_weights(extractor).items()}
    if wanted == header.tensors:
        return
    slots = find_other_slots(header.recipe.space, ours.space, _mask_keys(extractor))
    if slots is not None:
        raise UserError(
            f"{slots}: {type(extractor).__name__} has weights for each row, give it the same space"
        )
    names = wanted.keys() | header.tensors.keys()
    differing = [name for name in sorted(names) if wanted.get(name) != header.tensors.get(name)]
    name = min(differing, key=lambda name: _same_shape(wanted.get(name), header.tensors.get(name)))
    mine, theirs = wanted.get(name), header.tensors.get(name)
    advice = "save the extractor again with this version of rl-attention"
    if _same_shape(mine, theirs):
        advice = (
            "bring both to one type, as by policy.float() before one of them is saved or loaded"
        )
    raise UserError(f"weights {shown(name)}: expected {_size(mine)}, got {_size(theirs)}: {advice}")


def _same_shape(mine: Kind | None, theirs: Kind | None) -> bool:
    """Whether two tensors differ in their type alone."""
    return mine is not None and theirs is not None and mine[1] == theirs[1]


def _mask_keys(extractor: TokenExtractor) -> set[str]:
    """List the keys that say which tokens, or words, are real."""
    schema = extractor.tokenizer.schema
    masks = {found.mask_key for found in schema.sets if found.mask_key is not None}
    return masks | ({WORDS_MASK_KEY} if schema.words_space is not None else set())


def _size(kind: Kind | None) -> str:
    return "none" if kind is None else f"{kind[0]} {shown(kind[1])}"
