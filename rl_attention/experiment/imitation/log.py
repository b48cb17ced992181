"""The curves of an imitation, one point for each pass over the labels."""

import json
import time
from dataclasses import asdict
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from rl_attention.callbacks.metrics_log import METRICS_FILE
from rl_attention.callbacks.tensorboard import tensorboard_writer
from rl_attention.experiment.imitation.config import ImitationConfig
from rl_attention.experiment.imitation.fitting import Epoch
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.files import write_text

_CURVES = ("loss", "accuracy", "held_out_loss", "held_out_accuracy", "judged_accuracy")


class ImitationLog:
    """Writes `metrics.jsonl`, TensorBoard's curves `imitation/...`, and how far the run is.

    A line of `metrics.jsonl` holds `step` (questions so far), `round`, `epoch` (of all rounds
    together, the step of the curves), and the fields of `Epoch`; no time, so that equal imitations
    leave equal files.

    Args:
        model: What learns; its logger is set.
        run: The run folder.
        settings: Of the imitation.
    """

    def __init__(self, model: BaseAlgorithm, run: RunFolder, settings: ImitationConfig) -> None:
        self._model = model
        self._run = run
        self._path = run.path / METRICS_FILE
        self._settings = settings
        self._began = time.monotonic()
        self._epoch = 0
        write_text(self._path, "")

    def add(self, index: int, epoch: Epoch) -> None:
        """Note a pass over the labels.

        Args:
            index: Its round, from 0.
            epoch: How it went.
        """
        self._epoch += 1
        told = asdict(epoch)
        curves = {name: told[name] for name in _CURVES}
        line = {
            "step": self._model.num_timesteps,
            "round": index,
            "epoch": self._epoch,
            **curves,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        writer = tensorboard_writer(self._model.logger)
        if writer is not None:
            for name, value in curves.items():
                writer.add_scalar(f"imitation/{name}", value, global_step=self._epoch)
        self._tell_progress(index, epoch)

    def _tell_progress(self, index: int, epoch: Epoch) -> None:
        """Say how far the work is, as a share of all labels, in the words of other trainings."""
        total, rounds = self._settings.labels, len(self._settings.shares())
        done = (index + epoch.number / self._settings.n_epochs) / rounds
        seconds = time.monotonic() - self._began
        content: dict[str, Any] = {
            "step": round(total * done),
            "total": total,
            "fps": round(total * done / seconds, 1) if seconds > 0 else 0.0,
            "episodes": 0,
            "success_rate": None,
        }
        text = json.dumps(content, allow_nan=False) + "\n"
        write_text(self._run.progress, text, durable=False)
