"""Options of attention that are each right and do not go together, with the reason."""

from collections.abc import Mapping
from typing import Any

PLACED_KINDS = ("cells", "pixels", "history", "frames")
"""Sets whose tokens have a place of their own; rows of `entities` have one in their columns."""

POSITIONS = ("auto", "none", "learned", "sinusoidal", "relative")
SCOPES = ("global", "local")

_TOKENS_ASK = ("self", "entities_to_words")
_WORDS_NEEDED = ("entities_to_words", "words_to_entities")


def find_combination_conflict(
    options: Mapping[str, Any], *, kind: str, has_words: bool
) -> tuple[str, str] | None:
    """Name the first option that cannot be had together with the others, or None.

    Args:
        options: Options of `AttentionExtractor`, all of them.
        kind: Which set the observation holds: `entities`, `cells`, `pixels`, `history`,
            `frames` or `mixed`.
        has_words: Whether it holds words.

    Returns:
        The option, and what was expected, what came and what to do.
    """
    checks = (_words, _asking, _pairs, _pooling, _ego, _places, _frames)
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
        f"{pooling!r} with n_blocks 0 attends to no entity: choose 'learned_query', or set "
        "n_blocks to 1 or more"
    )


def _ego(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    """The global token alone makes the features: what the others read must still reach it."""
    if options["pooling"] != "ego":
        return None
    if options["attention"] in ("latent", "words_to_entities") and options["n_blocks"] == 0:
        return "pooling", (
            f"'ego' with attention {options['attention']!r} needs a block in which the global "
            "token reads the others, got n_blocks 0: set n_blocks to 1 or more"
        )
    for name, value in (("scope", "local"), ("position", "relative")):
        if options[name] == value and options["n_blocks"] < 2:
            return name, (
                f"{value!r} has no effect with pooling 'ego' and n_blocks 1: the global token "
                "reads all in the only block; set n_blocks to 2 or more"
            )
    return None


def _places(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    return find_place_conflict(
        options["position"], options["scope"], options["place_columns"], kind=kind
    )


def _frames(options: Mapping[str, Any], kind: str, has_words: bool) -> tuple[str, str] | None:
    return find_frames_conflict(options.get("frames", "entities"), kind=kind)


def find_frames_conflict(frames: str, *, kind: str) -> tuple[str, str] | None:
    """Name the option by which past frames are read, where there are none.

    Args:
        frames: What becomes of the rows of past frames.
        kind: Which set it is.

    Returns:
        The option, and what was expected, what came and what to do; None where they go together.
    """
    if frames == "entities" or kind in ("frames", "mixed"):
        return None
    return "frames", (
        f"{frames!r} needs past frames of entities, and the observation has {kind!r}: wrap the "
        "environments in HistoryVecEnv, or leave it out"
    )


def find_place_conflict(
    position: str, scope: str, place_columns: Any, *, kind: str
) -> tuple[str, str] | None:
    """Name what cannot be had with the places that the tokens of a set have, or None.

    Args:
        position: How tokens know where they are.
        scope: Whether tokens read all others.
        place_columns: Columns of `entities` that hold coordinates; None: unknown.
        kind: Which set it is.

    Returns:
        The option, and what was expected, what came and what to do.
    """
    if kind == "mixed":
        return _find_mixed_conflict(position, scope, place_columns)
    if kind in PLACED_KINDS:
        return None if place_columns is None else _needless_columns(place_columns, kind)
    if position == "learned":
        return "position", (
            "'learned' needs an order, and the rows of a set have none; their columns are embedded "
            "already: choose none, sinusoidal or relative, or name the key 'history' if the rows "
            "are in order"
        )
    if place_columns is not None:
        return None
    needy = (("scope", scope, "local"), ("position", position, "relative"))
    for name, given, value in (*needy, ("position", position, "sinusoidal")):
        if given == value:
            return name, (
                f"{value!r} needs to know where the entities are: name the columns that hold "
                "their coordinates, as place_columns=(3, 4)"
            )
    return None


def _find_mixed_conflict(position: str, scope: str, columns: Any) -> tuple[str, str] | None:
    """Sets of several types have no places in common."""
    given = (("position", position, ("auto", "none")), ("scope", scope, ("global",)))
    for name, value, known in (*given, ("place_columns", columns, (None,))):
        if value not in known:
            return name, (
                f"{value!r} needs tokens that lie in one space, and several sets do not: leave it "
                "out, or name one key by entity_keys"
            )
    return None


def _needless_columns(place_columns: Any, kind: str) -> tuple[str, str]:
    return "place_columns", (
        f"{kind!r} have a place of their own, got {tuple(place_columns)}: leave it out"
    )
