"""What environments say of their entities, checked and put together.

Any environment may offer a method `describe_entities()`. It is to names what `render()` is to the
picture: no argument, the observation that was returned last, nothing changes. `docs/attaching.md`
has the contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError

METHOD = "describe_entities"
"""The method that an environment may offer."""

_PER_TOKEN = ("labels", "types", "boxes")
_KNOWN = (*_PER_TOKEN, "frame", "agent_box", "mission", "words")


def stack_descriptions(
    answers: Sequence[Any], *, n_tokens: int | None = None, n_words: int | None = None
) -> dict[str, NDArray[Any]]:
    """Turn one answer for each observation into the fields of a probe set.

    Args:
        answers: What `describe_entities` returned, one mapping an observation.
        n_tokens: How many tokens there are; None: as many as the first answer names.
        n_words: Word slots of the mission; None: as many as the longest answer has.

    Raises:
        UserError: An answer is no mapping, has a key that is unknown or that another answer lacks,
            or a value that does not fit.
    """
    for answer in answers:
        _check_keys(answer, answers[0])
    fields: dict[str, NDArray[Any]] = {}
    for key in answers[0]:
        values = [answer[key] for answer in answers]
        if key in ("labels", "types"):
            rows = [_texts(key, value) for value in _even(key, values, n_tokens)]
            fields[key] = np.array(rows, dtype=np.str_)
        elif key == "boxes":
            fields[key] = np.stack([_boxes(key, value) for value in _even(key, values, n_tokens)])
        elif key == "agent_box":
            fields["agent_boxes"] = np.stack([_boxes(key, [value])[0] for value in values])
        elif key == "words":
            fields[key] = _padded([_texts(key, value) for value in values], n_words)
        elif key == "mission":
            fields["missions"] = np.array(_texts(key, values))
        else:
            fields["frames"] = _frames(values)
    _check_widths(fields)
    return _inside(fields)


def _check_keys(answer: Any, first: Any) -> None:
    if not isinstance(answer, Mapping):
        raise UserError(f"expected a dict with any of {', '.join(_KNOWN)}, got {_kind(answer)}")
    strange = [key for key in answer if key not in _KNOWN]
    if strange:
        raise UserError(f"expected a dict with any of {', '.join(_KNOWN)}, got key {strange[0]!r}")
    if set(answer) != set(first):
        raise UserError(
            f"expected the same keys from every environment, got {sorted(first)} and "
            f"{sorted(answer)}"
        )
    if "frame" not in answer and ("boxes" in answer or "agent_box" in answer):
        raise UserError(
            "boxes are pixels of a 'frame', which is missing: add it, or drop the boxes"
        )


def _even(key: str, values: list[Any], n_tokens: int | None) -> list[Any]:
    """Check that there is one item for each token."""
    for value in values:
        if isinstance(value, str) or not hasattr(value, "__len__"):
            raise UserError(f"{key!r} must be a list with one item a token, got {_kind(value)}")
        n_tokens = len(value) if n_tokens is None else n_tokens
        if len(value) != n_tokens:
            raise UserError(
                f"{key!r} must have one item for each of the {n_tokens} tokens, padding too (an "
                f"empty text, or a box of zeros), got {len(value)}"
            )
    return values


def _texts(key: str, value: Any) -> list[str]:
    found = [] if isinstance(value, str) else list(value)
    if isinstance(value, str) or not all(isinstance(text, str) for text in found):
        wrong = (
            value if isinstance(value, str) else next(t for t in found if not isinstance(t, str))
        )
        raise UserError(f"{key!r} must hold texts, got {_kind(wrong)}")
    return [" ".join(text.split()) for text in found]


def _boxes(key: str, value: Any) -> NDArray[np.float64]:
    try:
        boxes = np.asarray(value, dtype=np.float64).reshape(len(value), 4)
    except (TypeError, ValueError):
        raise UserError(f"{key!r} must be pixels x0, y0, x1, y1 of the frame") from None
    if not np.isfinite(boxes).all():
        raise UserError(f"{key!r} must be finite pixels x0, y0, x1, y1 of the frame")
    return boxes


def _padded(rows: list[list[str]], width: int | None) -> NDArray[np.str_]:
    longest = max(map(len, rows))
    width = longest if width is None else width
    if longest > width:
        raise UserError(f"'words' must be at most the {width} of the mission, got {longest}")
    return np.array([[*row, *[""] * (width - len(row))] for row in rows], dtype=np.str_)


def _frames(values: list[Any]) -> NDArray[np.uint8]:
    frames = [np.asarray(value) for value in values]
    for frame in frames:
        good = frame.ndim == 3 and frame.shape[2] == 3 and frame.size and frame.dtype == np.uint8
        if not good or frame.shape != frames[0].shape:
            raise UserError(
                "'frame' must be a picture of shape (H, W, 3) and type uint8, equally large in "
                f"every environment, got shape {frame.shape} and type {frame.dtype}"
            )
    return np.stack(frames)


def _check_widths(fields: Mapping[str, NDArray[Any]]) -> None:
    widths = {key: fields[key].shape[1] for key in _PER_TOKEN if key in fields}
    if len(set(widths.values())) > 1:
        raise UserError(f"expected one item a token in each list, got {widths}")


def _inside(fields: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Cut boxes at the rim of the frame; what lies outside has no place in it."""
    for key in ("boxes", "agent_boxes"):
        if key in fields:
            height, width = fields["frames"].shape[1:3]
            cut = np.clip(np.rint(fields[key]), 0, [width, height, width, height])
            fields[key] = cut.astype(np.int32)
    return fields


def _kind(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return f"{type(value).__name__} {shown:.40}"
