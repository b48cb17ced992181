"""Peak memory of one forward and backward pass, measured in a process of its own.

Usage: python -m benchmarks.memory KIND TOKENS THREADS

What is measured is resident memory: its peak during a pass less what was resident before it. A pass
of the same size has gone before, so that libraries, threads and their workspaces are loaded.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.passes import make_pass

ROOT = Path(__file__).parents[1]
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

# the C library gives every block above this size back at once: a pass pays for what it holds
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_TRIM_THRESHOLD_": "4096"}


def peak_memory(kind: str, n_tokens: int, *, threads: int) -> int:
    """Measure in a fresh process.

    Args:
        kind: A key of `benchmarks.passes.KINDS`.
        n_tokens: Tokens of an observation.
        threads: Threads of torch.

    Returns:
        Bytes.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", kind, str(n_tokens), str(threads)],
        env={**os.environ, **_ALLOCATOR, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout)


def measure_here(kind: str, n_tokens: int) -> int:
    """Measure in this process; see `peak_memory`."""
    run = make_pass(kind, n_tokens)
    run()
    before = _restart_peak()
    run()
    return max(_read_peak() - before, resource.getpagesize())


def _restart_peak() -> int:
    """Forget the peak so far and return what is resident.

    Where the kernel offers no such thing, the peak so far is what to compare with.
    """
    try:
        _CLEAR.write_text("5")
    except OSError:
        return _read_peak()
    return _read_status("VmRSS")


def _read_peak() -> int:
    if _STATUS.exists():
        return _read_status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _read_status(field: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    print(measure_here(sys.argv[1], int(sys.argv[2])))
