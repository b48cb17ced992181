"""The picture of `benchmarks.scaling`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.passes import BATCH, KINDS

_COLOURS = {"global": "#c44e52", "local": "#4c72b0", "latent": "#55a868"}


def draw_scaling(points: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw time and memory against the number of tokens, both axes logarithmic.

    Args:
        points: What `benchmarks.scaling` measured.
        file: Where the picture goes; its ending says in which format.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    titles = {
        "time": "Time of a pass forward and back (global at the left end = 1)",
        "memory_bytes": f"Peak memory of a pass, batch {BATCH} (MiB)",
    }
    for axes, (field, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        unit = 2**20 if field == "memory_bytes" else 1
        for kind in KINDS:
            own = [point for point in points if point["attention"] == kind]
            x, y = [point["tokens"] for point in own], [point[field] / unit for point in own]
            axes.plot(x, y, "o-", label=kind, color=_COLOURS[kind], markersize=4)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_yscale("log")
        axes.set_xlabel("tokens")
        axes.set_title(title, fontsize=9)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
