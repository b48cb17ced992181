"""The options of an extractor: all of them, as plain JSON, and which of them matter."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_attention.errors import UserError
from rl_attention.extractors.base import TokenExtractor
from rl_attention.tokenizers import TokenOptions, read_schema
from rl_attention.tokenizers.places import DEFAULT_POSITION

Options = Mapping[str, Any]

_REFUSED = {"UniformExtractor": ("score", "weights", "top_k")}
"""Options of the base that a class does not take."""

_IDLE_UNLESS = {
    "n_latents": ("attention", "latent"),
    "top_k": ("weights", "topk"),
    "radius": ("scope", "local"),
}
"""Options that are read only where another one has this value."""

_TRAINING_ONLY = ("dropout",)

_LATER = {"frames": "entities", "ignored_keys": []}
"""Options that older files lack, and what stands for them."""


def options_of(extractor: TokenExtractor) -> dict[str, Any]:
    """List the options of an extractor, those too that nobody gave.

    Args:
        extractor: An extractor of one of our classes.

    Returns:
        Plain JSON values.

    Raises:
        UserError: One is no plain value.
    """
    given, named = extractor.built_with
    found = _complete(type(extractor), given, named)
    return {name: _plain(name, value) for name, value in found.items()}


def _complete(cls: type, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the defaults; `**options` are those of the base, or of how observations are read."""
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    bound = signature.bind(None, None, *given, **named)
    bound.apply_defaults()
    found = dict(list(bound.arguments.items())[2:])  # without self and the space
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            more = found.pop(name)
            found = {**_rest(cls.__mro__[1], more), **found}
    return {name: found[name] for name in found if name not in _REFUSED.get(cls.__name__, ())}


def _rest(base: type, more: dict[str, Any]) -> dict[str, Any]:
    return vars(TokenOptions(**more)) if base is TokenExtractor else _complete(base, (), more)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(name, part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(name, part) for part in value]
    raise UserError(
        f"{name}: expected numbers, text and lists, which a file can hold, got a "
        f"{type(value).__name__}: build the extractor with plain values"
    )


def find_differing(
    stored: Options, ours: Options, space: spaces.Space[Any], *, has_image: bool
) -> list[str]:
    """Name the options by which two extractors compute different things.

    Args:
        stored: Options from a file.
        ours: Options of an extractor.
        space: The observations of the extractor.
        has_image: Whether there are axes for patches.
    """
    theirs, mine = (_that_matter(options, has_image) for options in (stored, ours))
    spelled = _differing(theirs, mine)
    if not spelled:
        return []
    meant = _differing(_as_read(theirs, space), _as_read(mine, space))
    return [name for name in spelled if name in meant]


def _differing(theirs: Options, mine: Options) -> list[str]:
    return [
        name
        for name in sorted(theirs.keys() | mine.keys())
        if (name in theirs) != (name in mine) or theirs[name] != mine[name]
    ]


def _as_read(options: Options, space: spaces.Space[Any]) -> Options:
    """Say of each set what the options come to; there are several ways to spell it."""
    names = [field.name for field in fields(TokenOptions) if field.name in options]
    try:
        tokens = TokenOptions(**{name: options[name] for name in names})
        sets = read_schema(space, tokens).sets
    except Exception:  # nobody knows what a file says; options that do not go are as they are
        return options
    read: dict[str, Any] = {
        "entity_keys": [found.key for found in sets],
        "kind": [found.kind for found in sets],
        "presence_column": [tokens.presence_of(found.name) for found in sets],
        "categorical_columns": [set(tokens.categories_of(found.name)) for found in sets],
    }
    if tokens.position == "auto" and len(sets) == 1:
        read["position"] = DEFAULT_POSITION.get(sets[0].kind, "none")
    return {**options, **{name: read[name] for name in read if name in options}}


def _that_matter(options: Options, has_image: bool) -> dict[str, Any]:
    def matters(name: str) -> bool:
        if name in _IDLE_UNLESS:
            other, value = _IDLE_UNLESS[name]
            return bool(options.get(other) == value)
        if name in _LATER and options[name] == _LATER[name]:
            return False
        return name not in _TRAINING_ONLY and (has_image or name != "patch_size")

    return {name: value for name, value in options.items() if matters(name)}
