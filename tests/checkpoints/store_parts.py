"""Checkpoints to store, and processes that die while they do."""

import errno
import hashlib
import json
import os
import random
import signal
import time
import warnings
from functools import cache

from rl_attention.checkpoints import CheckpointStore

SMALL, LARGE = 5_000, 300_000


@cache
def random_bytes(token, size):
    return random.Random(token).randbytes(size)


def contents(token, size=SMALL):
    return {
        "weights.safetensors": random_bytes(token, size),
        "state.json": json.dumps({"token": token}).encode(),
        "empty": b"",
    }


def put(store, step, token=None, *, score=None, size=SMALL):
    token = step if token is None else token
    files = {name: writer(data) for name, data in contents(token, size).items()}
    return store.commit(step, files, notes={"token": token, "size": size}, score=score)


def writer(data):
    def write(file):
        half = len(data) // 2
        file.write(data[:half])
        file.write(memoryview(data)[half:])

    return write


def assert_whole(checkpoint):
    """The files are those that were committed with this token, byte for byte."""
    for name, data in contents(**checkpoint.notes).items():
        assert checkpoint.file(name).read_bytes() == data


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def folder_name(step):
    return f"step_{step:012d}"


def seal(body):
    """The bytes of a manifest whose own hash is right, whatever it says."""
    text = json.dumps(body, indent=2)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({**body, "sha256": digest}, indent=2).encode() + b"\n"


def body_of(manifest):
    body = json.loads(manifest.read_bytes())
    del body["sha256"]
    return body


def exit_code(work, *, kill_after=None):
    """Run work in a process of its own; 0 if it returns, 1 if it raises, else what it chose."""
    with warnings.catch_warnings():
        # the child only writes files, so threads of this process cannot hurt it
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def store_that(action, folder, *, at, keep=2):
    """A store that calls action at its point number `at`."""
    seen = []

    def reached(point):
        if len(seen) == at:
            action()
        seen.append(point)

    return CheckpointStore(folder, keep=keep, reached=reached)


def die():
    os._exit(9)


def disk_is_full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
