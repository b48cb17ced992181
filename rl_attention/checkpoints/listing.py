"""Which checkpoints a folder holds, which of them are whole, and which are worth keeping."""

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from rl_attention.checkpoints.manifest import CheckpointError, CheckpointWarning
from rl_attention.checkpoints.reading import Checkpoint, read_checkpoint, step_of


def list_folders(folder: Path) -> dict[Path, int]:
    """Give everything that is named like a checkpoint, and its step, newest first, whole or not.

    Of one step, a checkpoint that was moved aside comes after the one that replaced it.

    Raises:
        CheckpointError: The folder cannot be read. One that does not exist is empty.
    """
    try:
        steps = {name: step_of(name) for name in os.listdir(folder)}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be read ({error.strerror or error})") from error
    found = sorted((-step, name) for name, step in steps.items() if step is not None)
    return {folder / name: -step for step, name in found}


def read_whole(folder: Path, *, up_to: int | None = None) -> Iterator[Checkpoint]:
    """Read the whole checkpoints of a folder, newest first; warn of those that are not.

    Args:
        folder: Where the checkpoints are.
        up_to: Pass over checkpoints of later steps.

    Raises:
        CheckpointError: There are checkpoints, but none is whole.
    """
    flaws: list[str] = []
    found = False
    for path, step in list_folders(folder).items():
        if up_to is not None and step > up_to:
            continue
        try:
            checkpoint = read_checkpoint(path)
        except CheckpointError as error:
            flaws.append(str(error))
        except OSError as error:
            flaws.append(f"{path}: cannot be read ({error.strerror or error})")
        else:
            found = True
            warn(flaws, "passed over")
            flaws.clear()
            yield checkpoint
    if flaws and not found:
        more = f" (and {len(flaws) - 1} older)" if len(flaws) > 1 else ""
        raise CheckpointError(f"{flaws[0]}{more}; expected at least one whole checkpoint")
    warn(flaws, "passed over")


def find_superfluous(folder: Path, new: Path, *, keep: int) -> list[Path]:
    """Find the checkpoints that may go: neither among the newest whole ones nor the best.

    Warns of those that are not whole, which may go as well.

    Args:
        folder: Where the checkpoints are.
        new: The one just committed. It stays, and is taken for whole.
        keep: How many of the newest whole ones stay.

    Raises:
        OSError: One of them could not be read, so nobody knows what it is.
    """
    flaws: dict[Path, str] = {}
    listed = []
    paths = list_folders(folder)
    for path in paths:
        try:
            listed.append(read_checkpoint(path, contents=False))
        except CheckpointError as error:
            flaws[path] = str(error)
    # files can be large: they are read only until enough whole checkpoints are found
    whole = {new}
    newest = islice(_only_whole(listed, whole, flaws), keep)
    best = islice(_only_whole(by_score(listed), whole, flaws), 1)
    kept = {new, *newest, *best}
    warn(flaws.values(), "removed")
    return [path for path in paths if path not in kept]


def by_score(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Sort those that have a score, highest first, of equal ones the latest first."""
    scored = [(one.score, one.step, one) for one in checkpoints if one.score is not None]
    return [one for *_, one in sorted(scored, key=lambda entry: entry[:2], reverse=True)]


def find_flaw(path: Path) -> str | None:
    """Say why a checkpoint is not what was committed, or give None if it is.

    Raises:
        OSError: It could not be read, so nobody knows.
    """
    try:
        read_checkpoint(path)
    except CheckpointError as error:
        return str(error)
    return None


def warn(flaws: Iterable[str], what: str) -> None:
    """Warn once for each checkpoint that is not what was committed."""
    for flaw in flaws:
        warnings.warn(f"{flaw}; {what}", CheckpointWarning, stacklevel=3)


def _only_whole(
    listed: Iterable[Checkpoint], whole: set[Path], flaws: dict[Path, str]
) -> Iterator[Path]:
    """Give the folders that are whole, and remember which are and which are not."""
    for path in (checkpoint.path for checkpoint in listed):
        if path not in whole and path not in flaws:
            flaw = find_flaw(path)
            if flaw is None:
                whole.add(path)
            else:
                flaws[path] = flaw
        if path in whole:
            yield path
