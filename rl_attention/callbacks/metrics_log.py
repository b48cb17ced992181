"""The learning curve as one line of JSON for each stretch of training."""

import json
import os
from pathlib import Path
from typing import Any

from rl_attention.callbacks.episodes import EpisodeCountingCallback, mean_or_none
from rl_attention.files import open_plain, write_text

METRICS_FILE = "metrics.jsonl"
_MAX_BYTES = 1 << 30


class MetricsLogCallback(EpisodeCountingCallback):
    """Append to `metrics.jsonl` after a rollout: one history, whatever happened to the process.

    A line holds `step`, `episodes`, `success_rate`, `ep_rew_mean` and `ep_len_mean` (null while no
    episode has told), and no time, so that equal trainings leave equal files. When training begins,
    lines of later steps and a torn last line are dropped, and counting goes on from the last good
    one.

    Args:
        folder: Folder of the run.
        every: Steps: at most one line in each stretch of so many, as off-policy algorithms have a
            rollout every few steps.
        verbose: Verbosity of Stable-Baselines3 callbacks.
    """

    def __init__(self, folder: str | Path, *, every: int = 1000, verbose: int = 0) -> None:
        super().__init__(verbose)
        self.path = Path(folder) / METRICS_FILE
        self.every = every
        self._last_step = 0

    def state(self) -> dict[str, Any]:
        """Put the lines on the disk, and return the count as plain values."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
        return super().state()

    def _on_training_start(self) -> None:
        lines = _good_lines(self.path, up_to=self.model.num_timesteps)
        self._last_step = lines[-1]["step"] if lines else 0
        if lines:  # whoever restored a later count knows better
            self.episodes = max(self.episodes, lines[-1]["episodes"])
        text = "".join(_line(content) for content in lines)
        write_text(self.path, text)

    def _on_rollout_end(self) -> None:
        if self.model.num_timesteps // self.every > self._last_step // self.every:
            self._append()

    def _on_training_end(self) -> None:
        if self.model.num_timesteps > self._last_step:
            self._append()

    def _append(self) -> None:
        finished = [info for info in self.model.ep_info_buffer or () if info]
        self._last_step = self.model.num_timesteps
        content = {
            "step": self._last_step,
            "episodes": self.episodes,
            "success_rate": self.success_rate(),
            "ep_rew_mean": mean_or_none(info["r"] for info in finished),
            "ep_len_mean": mean_or_none(info["l"] for info in finished),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(content))


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False) + "\n"


def _good_lines(path: Path, *, up_to: int) -> list[dict[str, Any]]:
    """Lines that are whole and no later than where training begins."""
    if up_to == 0 or not path.exists():
        return []
    with open_plain(path, limit=_MAX_BYTES) as file:
        texts = file.read().split(b"\n")
    lines = []
    for text in texts:
        content = _read_line(text)
        if content is None or content["step"] > up_to:
            break  # torn by a kill, or of later steps: it and what follows are lost
        lines.append(content)
    return lines


def _read_line(text: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
        whole = isinstance(content["step"], int) and isinstance(content["episodes"], int)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return content if whole else None
