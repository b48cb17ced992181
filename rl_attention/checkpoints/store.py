"""A folder of checkpoints in which a crash at any moment leaves one that is whole."""

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from rl_attention.checkpoints.listing import (
    by_score,
    find_flaw,
    find_superfluous,
    list_folders,
    read_whole,
    warn,
)
from rl_attention.checkpoints.manifest import (
    MANIFEST,
    CheckpointError,
    Manifest,
    Stored,
    check_names,
    check_score,
    check_step,
    plain_notes,
)
from rl_attention.checkpoints.reading import ASIDE, Checkpoint
from rl_attention.checkpoints.writing import HashedFile, delete, sync_folder

_TEMPORARY = re.compile(r"\.tmp-([1-9][0-9]{0,8})-[0-9a-f]+")


def _nothing(point: str) -> None:
    """Be told of a point and do nothing."""


class CheckpointStore:
    """The checkpoints of one run, one folder each, named after its step.

    One process and one thread may change the folder at a time; a lock elsewhere sees to that.
    """

    def __init__(
        self, folder: Path, *, keep: int = 2, reached: Callable[[str], None] = _nothing
    ) -> None:
        """Look after a folder, which need not exist yet.

        Args:
            folder: Where the checkpoints are.
            keep: How many of the newest stay; the best one stays as well.
            reached: Called with a name before and after everything that changes the disk.
        """
        if keep < 1:
            raise ValueError(f"expected to keep at least 1 checkpoint, got {keep}")
        self.folder = Path(folder)
        self.keep = keep
        self._reached = reached

    def commit(
        self,
        step: int,
        files: Mapping[str, Callable[[BinaryIO], object]],
        *,
        notes: Mapping[str, Any] | None = None,
        score: float | None = None,
    ) -> Checkpoint:
        """Store a checkpoint, durably, then remove those that are not needed any more.

        Args:
            step: Frames that the run has seen. A checkpoint of the same step is replaced.
            files: For each file its name and what writes it, from front to back.
            notes: Plain JSON to keep with it.
            score: How good the policy is; the highest is never removed.

        Raises:
            CheckpointError: The disk refused something. Earlier checkpoints are as they were.
            ValueError: A name, the notes, the step or the score cannot be stored.
        """
        check_names(files)
        check_step(step)
        notes, score = plain_notes(notes), check_score(score)
        with self._changing(f"the checkpoint of step {step} could not be stored"):
            self._make_folder()
            self._tidy()
            part = self._temporary()
            with self._point("make temporary folder"):
                part.mkdir()
            stored = {name: self._write(part / name, write) for name, write in files.items()}
            raw = Manifest(step, stored, notes, score).encode()
            self._write(part / MANIFEST, lambda file: file.write(raw))
            with self._point("fsync folder"):
                sync_folder(part)
            path = self._put_in_place(part, step)
        with self._changing(f"step {step} is stored, but older checkpoints could not be removed"):
            for superfluous in find_superfluous(self.folder, path, keep=self.keep):
                self._remove(superfluous, "prune")
        return Checkpoint(step, path, notes, score, tuple(files))

    def newest(self, *, up_to: int | None = None) -> Checkpoint | None:
        """Find the newest checkpoint that is wholly what was committed.

        Args:
            up_to: Pass over checkpoints of later steps.

        Returns:
            The checkpoint, or None if there is none at all.

        Raises:
            CheckpointError: There are checkpoints, but none is whole.
        """
        return next(read_whole(self.folder, up_to=up_to), None)

    def best(self) -> Checkpoint | None:
        """Find the whole checkpoint with the highest score, of equal ones the latest.

        Returns:
            The checkpoint, or None if none has a score.

        Raises:
            CheckpointError: There are checkpoints, but none is whole.
        """
        of_steps: dict[int, Checkpoint] = {}
        for checkpoint in read_whole(self.folder):
            # the first of a step: the second was moved aside for it
            of_steps.setdefault(checkpoint.step, checkpoint)
        return next(iter(by_score(of_steps.values())), None)

    def drop_after(self, step: int) -> None:
        """Remove the checkpoints of later steps: they belong to another history.

        Raises:
            CheckpointError: One of them could not be removed.
        """
        with self._changing(f"checkpoints after step {step} could not be removed"):
            later = [path for path, at in list_folders(self.folder).items() if at > step]
            for path in later:
                self._remove(path, "drop")
            if later:
                with self._point("fsync parent"):
                    sync_folder(self.folder)

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            with self._point("make folder"):
                self.folder.mkdir(parents=True)
                sync_folder(self.folder.parent)

    def _temporary(self) -> Path:
        return self.folder / f".tmp-{os.getpid()}-{secrets.token_hex(8)}"

    def _tidy(self) -> None:
        for path in self._leftovers():
            with self._point("clear temporary folder"):
                delete(path)
        for aside in self._asides():
            final = aside.with_suffix("")
            if os.path.lexists(final):
                # both are there after a crash; the one in place counts if it is whole
                flaw = find_flaw(final)
                if flaw is None:
                    self._remove(aside, "prune")
                    continue
                self._remove(final, "prune")
                warn([flaw], "removed")
            with self._point(f"move back {aside.name}"):
                os.rename(aside, final)

    def _asides(self) -> list[Path]:
        return [path for path in list_folders(self.folder) if path.suffix == ASIDE]

    def _leftovers(self, *, own: bool = False) -> list[Path]:
        found = []
        for name in os.listdir(self.folder):
            match = _TEMPORARY.fullmatch(name)
            if match is None:
                continue
            pid = int(match[1])
            # of this very process: only what a failed commit, or a dead namesake, left behind
            if pid == os.getpid() or not (own or _is_alive(pid)):
                found.append(self.folder / name)
        return found

    def _write(self, path: Path, write: Callable[[BinaryIO], object]) -> Stored:
        with path.open("xb") as file:
            hashed = HashedFile(file)
            with self._point(f"write {path.name}"):
                write(cast(BinaryIO, hashed))
                file.flush()
            with self._point(f"fsync {path.name}"):
                os.fsync(file.fileno())
        return hashed.stored

    def _put_in_place(self, part: Path, step: int) -> Path:
        final = self.folder / f"step_{step:012d}"
        aside = final.with_suffix(ASIDE)
        # A folder cannot be renamed onto one that holds files. The old one keeps a name that every
        # reader understands until the new one is durable, so there is no moment without either.
        replaces = os.path.lexists(final)
        if replaces:
            with self._point(f"move aside {final.name}"):
                os.rename(final, aside)
        with self._point("rename"):
            os.rename(part, final)
        with self._point("fsync parent"):
            sync_folder(self.folder)
        if replaces:
            self._remove(aside, "prune")
        return final

    def _remove(self, path: Path, verb: str) -> None:
        # renamed first, so that a crash while deleting leaves no half of a checkpoint
        trash = self._temporary()
        with self._point(f"{verb} {path.name}"):
            os.rename(path, trash)
        with self._point(f"delete {path.name}"):
            delete(trash)

    @contextmanager
    def _point(self, name: str) -> Iterator[None]:
        self._reached(f"before {name}")
        yield
        self._reached(f"after {name}")

    @contextmanager
    def _changing(self, failure: str) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            # what went wrong first is told; what cannot be undone goes at the next commit
            with suppress(OSError, CheckpointError):
                self._undo()
            if isinstance(error, OSError):
                why = error.strerror or error
                raise CheckpointError(f"{self.folder}: {failure} ({why})") from error
            raise

    def _undo(self) -> None:
        for aside in self._asides():
            if not os.path.lexists(aside.with_suffix("")):
                os.rename(aside, aside.with_suffix(""))
        for path in self._leftovers(own=True):
            delete(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
