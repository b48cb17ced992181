"""Draw the picture of the README: one probe before and after training.

Usage: python docs/draw_readme_picture.py RUN [PROBE]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from rl_attention.recording import ProbeSet, draw_mosaic, list_snapshots, read_snapshot

TARGET = Path(__file__).parent / "images" / "attention_over_training.png"


def main(run: str, probe: str = "0") -> None:
    """Stack the first and the last snapshot of a run."""
    probes = ProbeSet.load(Path(run) / "probes.npz")
    paths = list(list_snapshots(Path(run)).values())
    first, last = (
        draw_mosaic(read_snapshot(path).layers, probes, int(probe))
        for path in (paths[0], paths[-1])
    )
    gap = np.full((12, first.shape[1], 3), 255, np.uint8)
    TARGET.parent.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate([first, gap, last])).save(TARGET, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
