"""Options of attention that are each right and do not go together, with the reason."""

from collections.abc import Mapping
from typing import Any

PLACED_KINDS = ("cells", "pixels", "history")
"""Sets whose tokens have a place of their own; rows of `entities` have one in their columns."""

POSITIONS = ("auto", "none", "learned", "sinusoidal", "relative")
SCOPES = ("global", "local")

_TOKENS_ASK = ("self", "entities_to_words")
_WORDS_NEEDED = ("entities_to_words", "words_to_entities")


def find_combination_conflict(
    options: Mapping[str, Any], *, kind: str, has_words: bool
) -> tuple[str, str] | None:
    """Name the first option that cannot be had, or None.

    Args:
        options: Options of `AttentionExtractor`, all of them.
        kind: Which set the observation holds: `entities`, `cells`, `pixels` or `history`.
        has_words: Whether it holds words.

    Returns:
        The option, and what was expected, what came and what to do.
    """
    checks = (_words, _asking, _pairs, _pooling, _places, _columns)
    found = (check(options, kind, has_words) for check in checks)
    return next((conflict for conflict in found if conflict is not None), None)


def _words(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    attention = options["attention"]
    if attention not in _WORDS_NEEDED or has_words:
        return None
    return "attention", (
        f"{attention!r} needs words, and the observation has no key 'mission' with word ids: "
        "choose self, ego or latent"
    )


def _asking(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    if options["attention"] != "ego" or options["n_blocks"] > 0:
        return None
    return "n_blocks", (
        "expected at least 1 with attention 'ego', got 0: it is the number of times that the "
        "global token reads (a learned query alone is attention 'self' with n_blocks 0)"
    )


def _pairs(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    """Scope and relative positions are about pairs of tokens that have a place."""
    for name, value in (("scope", "local"), ("position", "relative")):
        if options[name] != value:
            continue
        if options["attention"] not in _TOKENS_ASK:
            return name, (
                f"{value!r} relates tokens of the set to each other, and with attention "
                f"{options['attention']!r} none of them asks: choose attention 'self'"
            )
        if options["n_blocks"] == 0:
            return name, (
                f"{value!r} needs blocks in which tokens read each other, got n_blocks 0: set "
                "n_blocks to 1 or more"
            )
    return None


def _pooling(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    pooling = options["pooling"]
    if options["attention"] in ("latent", "words_to_entities") or options["n_blocks"] > 0:
        return None
    if pooling == "learned_query":
        return None
    return "pooling", (
        f"{pooling!r} with n_blocks 0 attends to nothing: choose 'learned_query', or set n_blocks "
        "to 1 or more"
    )


def _places(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    if kind in PLACED_KINDS:
        return None
    if options["position"] == "learned":
        return "position", (
            "'learned' needs an order, and the rows of a set have none; their columns are embedded "
            "already: choose none, sinusoidal or relative, or name the key 'history' if the rows "
            "are in order"
        )
    if options["place_columns"] is not None:
        return None
    for name, value in (("scope", "local"), ("position", "relative"), ("position", "sinusoidal")):
        if options[name] == value:
            return name, (
                f"{value!r} needs to know where the entities are: name the columns that hold "
                "their coordinates, as place_columns=(3, 4)"
            )
    return None


def _columns(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    if options["place_columns"] is None or kind not in PLACED_KINDS:
        return None
    return "place_columns", (
        f"{kind!r} have a place of their own, got {tuple(options['place_columns'])}: leave it out"
    )
