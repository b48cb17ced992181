"""Training that goes on where it was killed, as if it had not been."""

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from rl_attention.callbacks.settling import Settling
from rl_attention.callbacks.tensorboard import tensorboard_writer
from rl_attention.checkpoints import CheckpointError, CheckpointStore
from rl_attention.checkpoints.model_state import (
    EXACT,
    machine,
    restore_means,
    restore_unlogged,
    restore_windows,
)
from rl_attention.checkpoints.replay_state import check_buffer
from rl_attention.checkpoints.restart import restart
from rl_attention.checkpoints.training import load_training, save_training
from rl_attention.errors import UserError


@runtime_checkable
class Part(Protocol):
    """A callback that counts, and whose counts are kept with the model."""

    def state(self) -> dict[str, Any]:
        """Return the counts as plain values; what it wrote to a file is on the disk by then."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        ...

    def restarted(self) -> None:
        """Be told that new episodes began everywhere at once: the quick ones will end first."""
        ...


class ResumeCallback(BaseCallback):
    """Save a training so that the same program, started again, finishes it.

    At fixed steps the training is saved, every random generator gets a seed that depends on `seed`
    and the step alone, and the environments begin anew, whether or not anything was interrupted. So
    a training that was killed and started again ends with the same weights, to the last bit, as one
    that was not, on the same type of machine with the same torch and as many threads. That holds
    for PPO, A2C, DQN, SAC, TD3, DDPG and RecurrentPPO, with `VecNormalize` and plain replay
    buffers; other algorithms resume with a warning.

    ```python
    checkpoints = ResumeCallback("runs/mine", seed=0)
    done = checkpoints.resume(model)
    model.learn(total - done, callback=checkpoints, reset_num_timesteps=not done)
    ```

    Put it behind callbacks that write at the same steps, and name those that count in `parts`.

    Args:
        folder: Where the checkpoints go.
        seed: Decides all that is drawn after the first checkpoint.
        every: Frames between two checkpoints; 0 saves at the end alone. Episodes are cut off there,
            so it should be many times the longest episode times the number of environments; a
            warning tells where some environment did not end a single one in between.
        exact: False leaves generators and environments alone: nothing is cut off, but a training
            that was interrupted becomes another one than it would have been.
        keep: Checkpoints to keep; the best one, by success rate (by mean return where episodes tell
            of no success), is kept beside them.
        parts: Callbacks whose counts are kept, by name.
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Attributes:
        store: The checkpoints.
        saved_at: Frames of the last checkpoint; 0 before the first.
        seconds: Time that checkpoints took so far, for whoever measures the training alone.

    Raises:
        UserError: `every` is below 0; when training begins, if the replay buffer cannot be kept, or
            a resumed model was told to count from 0.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        seed: int = 0,
        every: int = 100_000,
        exact: bool = True,
        keep: int = 2,
        parts: Mapping[str, Part] | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if every < 0:
            raise UserError(f"every must be at least 0 frames, got {every}")
        self.store = CheckpointStore(Path(folder), keep=keep)
        self.seed = seed
        self.every = every
        self.exact = exact
        self.parts = dict(parts or {})
        self.seconds = 0.0
        self.saved_at = 0
        self._resumed: dict[str, Any] | None = None
        self._ended: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._settling: Settling | None = None
        self._warned = False

    def resume(self, model: BaseAlgorithm) -> int:
        """Put the newest valid checkpoint into a model that was built as the saved one was.

        Args:
            model: The model, before `learn`.

        Returns:
            Frames trained so far; 0 where there is no checkpoint.

        Raises:
            CheckpointError: There are checkpoints, but none is valid, or they are of another model.
        """
        checkpoint = self.store.newest()
        if checkpoint is None:
            return 0
        state = load_training(checkpoint, model)
        for name, part in self.parts.items():
            try:
                part.restore(state["parts"][name])
            except (KeyError, TypeError, ValueError) as error:
                reason = f"the counts of {name} are not there as expected ({error})"
                raise CheckpointError(f"{checkpoint.path}: {reason}") from None
        self.saved_at = checkpoint.step
        self._resumed = state["model"]
        if self.exact:
            _compare_machines(checkpoint.notes.get("machine", {}), machine(model))
        return checkpoint.step

    def _on_training_start(self) -> None:
        name = type(self.model).__name__
        buffer = getattr(self.model, "replay_buffer", None)
        if buffer is not None:
            check_buffer(buffer)
        if self.exact and name not in EXACT:
            warnings.warn(
                f"{name} resumes, but not bitwise: it may have state that is not known here "
                f"(exact: {', '.join(EXACT)})",
                stacklevel=2,
            )
        self._ended = np.zeros(self.training_env.num_envs, dtype=bool)
        if self._resumed is not None:
            if self.model.num_timesteps != self.saved_at:
                raise UserError(
                    f"learn: expected to go on from frame {self.saved_at:,}, got "
                    f"{self.model.num_timesteps:,}: give reset_num_timesteps=False after resuming"
                )
            # learn() has begun new episodes, which moved the running means
            restore_means(self.model.get_vec_normalize_env(), self._resumed["normalization"])
            restore_unlogged(self.model, self._resumed)

    def _on_rollout_start(self) -> None:
        # here the update that followed the last rollout is done
        step = self.model.num_timesteps
        if self._resumed is not None:
            self._resumed = None
            self._restart(step)
        elif self.every and step // self.every > self.saved_at // self.every:
            state = self._save()
            restore_windows(self.model, state)  # a resumed training has them in this form too
            if self.exact:
                self._warn_of_long_episodes()
                self._restart(step)

    def _on_step(self) -> bool:
        dones = np.asarray(self.locals["dones"], dtype=bool)
        self._ended |= dones
        if self._settling is not None and self._settling.hold_back(self.model, self.locals, dones):
            self._settling = None
        return True

    def _on_training_end(self) -> None:
        if self.model.num_timesteps > self.saved_at:
            self._save()

    def _restart(self, step: int) -> None:
        began = time.monotonic()
        restart(self.model, seed=self.seed, step=step)
        self._ended[:] = False
        self._settling = Settling(len(self._ended), until=step + self.every // 4)
        for part in self.parts.values():
            part.restarted()
        self.seconds += time.monotonic() - began

    def _save(self) -> dict[str, Any]:
        began = time.monotonic()
        writer = tensorboard_writer(self.logger)
        if writer is not None:
            writer.flush()
        parts = {name: part.state() for name, part in self.parts.items()}
        state = save_training(self.store, self.model, parts)
        self.saved_at = self.model.num_timesteps
        self.seconds += time.monotonic() - began
        return state

    def _warn_of_long_episodes(self) -> None:
        if self._warned or self._ended.all():
            return
        self._warned = True
        warnings.warn(
            f"{int((~self._ended).sum())} of {len(self._ended)} environments ended no episode "
            f"between two checkpoints, {self.every:,} frames apart, where episodes are cut off: "
            "save less often, or without exact resuming",
            stacklevel=2,
        )


def _compare_machines(there: dict[str, Any], here: dict[str, Any]) -> None:
    differing = [name for name in here if there.get(name) != here[name]]
    if differing:
        shown = ", ".join(f"{name} was {there.get(name)}, is {here[name]}" for name in differing)
        warnings.warn(f"resumed, but not bitwise: {shown}", stacklevel=3)
