"""The fixed observations that every snapshot is taken from."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.files import read_arrays, write_arrays
from rl_attention.recording.descriptions import stack_descriptions

Observations: TypeAlias = dict[str, NDArray[Any]] | NDArray[Any]

# shape after the probe axis (None = any size) and the kinds of dtype that will do
_LAYOUTS: dict[str, tuple[tuple[int | None, ...], str]] = {
    "frames": ((None, None, 3), "u"),
    "boxes": ((None, 4), "iu"),
    "types": ((None,), "U"),
    "labels": ((None,), "U"),
    "steps": ((None,), "iu"),
    "agent_boxes": ((4,), "iu"),
    "words": ((None,), "U"),
    "missions": ((), "U"),
    "names": ((), "U"),
}
_PER_ENTITY = ("boxes", "types", "labels", "steps")
_KEY = "observations"


@dataclass(frozen=True, eq=False)
class ProbeSet:
    """Observations to look at again and again, with what is needed to draw them.

    Only `observations` is needed. Arrays are copied and made read-only. `P` counts probes, `N`
    entity slots, `W` word slots.

    Attributes:
        observations: What the policy takes: an array, or a dict of arrays; first axis `P`.
        frames: Pictures of what the agent sees, `P H W 3` uint8.
        boxes: Pixels `x0 y0 x1 y1` of each entity in the frame, `P N 4`; zeros on padding.
        types: Kind of each entity ("key"), `P N`; empty on padding.
        labels: Name of each entity ("red key"), `P N`; empty on padding.
        steps: Of past frames, the step of each entity, `P N`: 0 is now, negative ones are past.
        agent_boxes: Pixels of the agent in the frame, `P 4`.
        words: Words of the mission, `P W`; empty on padding.
        missions: The mission as one text, `P`.
        names: Short name of each probe, `P`.

    Raises:
        UserError: If shapes or dtypes do not fit each other.
    """

    observations: Observations
    frames: NDArray[np.uint8] | None = None
    boxes: NDArray[Any] | None = None
    types: NDArray[np.str_] | None = None
    labels: NDArray[np.str_] | None = None
    steps: NDArray[Any] | None = None
    agent_boxes: NDArray[Any] | None = None
    words: NDArray[np.str_] | None = None
    missions: NDArray[np.str_] | None = None
    names: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, _KEY, _frozen_observations(self.observations))
        for field in _LAYOUTS:
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, _frozen(value))
        self._check()

    @classmethod
    def from_observations(
        cls,
        observations: Mapping[str, Any] | NDArray[Any],
        descriptions: Sequence[Any] | None = None,
        *,
        n_tokens: int | None = None,
    ) -> "ProbeSet":
        """Make probes of observations: bare ones, or with what the environments say of them.

        Args:
            observations: A batch as the policy takes it: an array, or a mapping of arrays.
            descriptions: What `describe_entities()` of an environment returned for each.
            n_tokens: How many tokens a description must have; None: as many as key `entities`, or
                as the first description.

        Raises:
            UserError: If a description does not fit.
        """
        bare = cls(dict(observations) if isinstance(observations, Mapping) else observations)
        if descriptions is None:
            return bare
        if len(descriptions) != len(bare):
            raise UserError(f"expected {len(bare)} descriptions, got {len(descriptions)}")
        sizes = bare.sizes
        n_tokens = sizes.get("entities") if n_tokens is None else n_tokens
        named = stack_descriptions(descriptions, n_tokens=n_tokens, n_words=sizes.get("words"))
        return cls(bare.observations, **named)

    def __len__(self) -> int:
        first = self.observations
        if isinstance(first, dict):
            first = next(iter(first.values()))
        return len(first)

    @property
    def sizes(self) -> dict[str, int]:
        """Length of the token segments that are known: `entities` and `words`."""
        found = {}
        for segment, field, key in (
            ("entities", "boxes", "entities"),
            ("words", "words", "mission"),
        ):
            array = getattr(self, field)
            if array is None and isinstance(self.observations, dict):
                array = self.observations.get(key)
            if segment == "entities" and self.boxes is None:
                array = next((a for a in (self.types, self.labels) if a is not None), array)
            if array is not None and array.ndim > 1:
                found[segment] = int(array.shape[1])
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the set, as hexadecimal text; the same on every machine."""
        total = hashlib.sha256()
        for name, array in sorted(self._arrays()):
            plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
            total.update(f"{name}|{plain.dtype.str}|{plain.shape}|".encode())
            total.update(plain.tobytes())
        return total.hexdigest()

    def take(self, indices: Sequence[int]) -> "ProbeSet":
        """Return the chosen probes, in the order given.

        Args:
            indices: Positions from 0; negative ones count from the end.
        """
        rows = np.asarray(indices, dtype=np.int64)
        return _from_arrays({name: array[rows] for name, array in self._arrays()})

    def save(self, path: str | Path) -> None:
        """Write the set to an npz file, whole or not at all.

        Args:
            path: Where the file goes.
        """
        write_arrays(Path(path), {_stored_name(name): array for name, array in self._arrays()})

    @classmethod
    def load(cls, path: str | Path) -> "ProbeSet":
        """Read a set that `save` wrote. Nothing is unpickled.

        Args:
            path: The npz file.

        Raises:
            UserError: If the file is missing, torn, or no probe set.
        """
        arrays = read_arrays(Path(path))
        try:
            return _from_arrays({_read_name(name): array for name, array in arrays.items()})
        except UserError as error:
            raise UserError(f"{path}: {error}") from None

    def _arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        if isinstance(self.observations, dict):
            for key in sorted(self.observations):
                yield f"{_KEY}/{key}", self.observations[key]
        else:
            yield _KEY, self.observations
        for field in _LAYOUTS:
            if getattr(self, field) is not None:
                yield field, getattr(self, field)

    def _check(self) -> None:
        count = None
        for name, array in self._arrays():
            if array.dtype.hasobject:
                raise UserError(f"probes: '{name}' holds Python objects; give numbers or text")
            if array.ndim == 0 or len(array) == 0:
                raise UserError(f"probes: '{name}' is empty; its first axis must count the probes")
            count = len(array) if count is None else count
            if len(array) != count:
                raise UserError(f"probes: '{name}' has {len(array)} rows, the others {count}")
            if name in _LAYOUTS:
                _check_layout(name, array)
        widths = {f: getattr(self, f).shape[1] for f in _PER_ENTITY if getattr(self, f) is not None}
        if len(set(widths.values())) > 1:
            raise UserError(f"probes: entity slots differ: {widths}; give one N to all of them")


def _check_layout(name: str, array: NDArray[Any]) -> None:
    shape, kinds = _LAYOUTS[name]
    fits = array.ndim == 1 + len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape[1:], strict=True)
    )
    if not fits:
        want = " ".join(["P", *("*" if size is None else str(size) for size in shape)])
        raise UserError(f"probes: '{name}' must have shape `{want}`, got {array.shape}")
    if array.dtype.kind not in kinds or (name == "frames" and array.dtype != np.uint8):
        want = {"u": "uint8", "iu": "integers", "U": "text"}[kinds]
        raise UserError(f"probes: '{name}' must hold {want}, got {array.dtype}")


def _frozen(value: Any) -> NDArray[Any]:
    array = np.array(value)
    array.setflags(write=False)
    return array


def _frozen_observations(observations: Any) -> Observations:
    if not isinstance(observations, Mapping):
        return _frozen(observations)
    if not observations:
        raise UserError("probes: the observations are an empty dict; give at least one key")
    for key, value in observations.items():
        if isinstance(value, Mapping):
            raise UserError(f"probes: observation '{key}' is a dict again; give plain arrays")
    return {str(key): _frozen(value) for key, value in observations.items()}


def _from_arrays(arrays: Mapping[str, NDArray[Any]]) -> ProbeSet:
    known = {field.name for field in fields(ProbeSet)}
    plain = {name: array for name, array in arrays.items() if name in known}
    nested = {
        name.removeprefix(f"{_KEY}/"): array
        for name, array in arrays.items()
        if name.startswith(f"{_KEY}/")
    }
    if len(plain) + len(nested) != len(arrays):
        strange = sorted(n for n in arrays if n not in plain and not n.startswith(f"{_KEY}/"))
        raise UserError(f"unknown arrays {strange!r:.200}; this is not a probe set")
    if (_KEY in plain) == bool(nested):
        raise UserError("expected observations as one array or as a dict; this is no probe set")
    rest = {name: array for name, array in plain.items() if name != _KEY}
    return ProbeSet(nested or plain[_KEY], **rest)


def _stored_name(name: str) -> str:
    """Name an array in a file: a key of an observation may hold what no file name can."""
    head, slash, key = name.partition("/")
    plain = quote(key, safe=" ")
    return head + slash + plain.replace(".", "%2E").replace("~", "%7E")


def _read_name(stored: str) -> str:
    """Undo `_stored_name`; a key that was stored as it is stays so."""
    return unquote(stored)
