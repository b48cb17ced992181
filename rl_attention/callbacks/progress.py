"""How far a run is, for whoever looks from outside."""

import json
import time
from pathlib import Path

from rl_attention.callbacks.episodes import EpisodeCountingCallback
from rl_attention.files import write_text

PROGRESS_FILE = "progress.json"
_SECONDS = 1.0


class ProgressCallback(EpisodeCountingCallback):
    """Keep `progress.json` up to date, at most once a second, whole at every moment.

    It holds `step`, `total`, `fps` (of this process), `episodes` and `success_rate` (last episodes
    of Stable-Baselines3's window, 100 by default; null before the first).

    Args:
        folder: Folder of the run.
        verbose: Verbosity of Stable-Baselines3 callbacks.
    """

    def __init__(self, folder: str | Path, *, verbose: int = 0) -> None:
        super().__init__(verbose)
        self.path = Path(folder) / PROGRESS_FILE
        self._total = 0
        self._start = (0, 0.0)
        self._written = 0.0

    def _on_training_start(self) -> None:
        self._total = int(self.locals["total_timesteps"])
        self._start = (self.model.num_timesteps, time.monotonic())
        self._write()

    def _on_step(self) -> bool:
        super()._on_step()
        if time.monotonic() - self._written >= _SECONDS:
            self._write()
        return True

    def _on_training_end(self) -> None:
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        first, began = self._start
        step = self.model.num_timesteps
        elapsed = self._written - began
        content = {
            "step": step,
            "total": self._total,
            "fps": round((step - first) / elapsed, 1) if elapsed > 0 else 0.0,
            "episodes": self.episodes,
            "success_rate": self.success_rate(),
        }
        text = json.dumps(content, allow_nan=False) + "\n"
        write_text(self.path, text, durable=False)  # of no use after a power cut
