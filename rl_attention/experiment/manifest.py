"""What a run ran with, so that a number can be traced to its machine."""

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = (
    "rl-attention",
    "torch",
    "stable-baselines3",
    "gymnasium",
    "minigrid",
    "envpool",
    "numpy",
)


def installed_versions() -> dict[str, str]:
    """Map each package that a result depends on to its version; absent ones are left out."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def make_manifest() -> dict[str, Any]:
    """Collect versions, platform and threads."""
    import torch

    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": installed_versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": torch.cuda.is_available(),
    }
