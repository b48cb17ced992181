"""Writing that is on the disk when it returns: files that are hashed on the way, and folders."""

import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO

from rl_attention.checkpoints.manifest import Stored


class HashedFile(io.BufferedIOBase):
    """Writes through to a file, and hashes and counts what passes.

    It cannot seek: bytes written twice would be hashed twice. Writers of zip files (``np.savez``,
    ``torch.save``) notice that and write from front to back.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Write all of the bytes."""
        size = memoryview(data).nbytes
        self._file.write(data)
        self._digest.update(data)
        self._size += size
        return size

    @property
    def stored(self) -> Stored:
        """Size and hash of everything written so far."""
        return Stored(self._size, self._digest.hexdigest())


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk: a rename is durable only after that."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def delete(path: Path) -> None:
    """Remove a folder and all in it, or a file, or a link without what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
