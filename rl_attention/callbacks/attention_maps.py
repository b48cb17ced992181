"""Attention over training: maps and curves from the same probes at every snapshot."""

import time
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from rl_attention.callbacks.first_look import first_look
from rl_attention.callbacks.schedule import snapshot_steps, update_unit
from rl_attention.callbacks.tensorboard import tensorboard_writer
from rl_attention.errors import UserError
from rl_attention.recording import (
    ProbeSet,
    Snapshot,
    complete,
    draw_mosaic,
    find_extractor,
    label_layers,
    list_snapshots,
    read_snapshot,
    read_tokens,
    record,
    summarise,
    write_snapshot,
)
from rl_attention.recording.normalize import as_seen

PROBES_FILE = "probes.npz"


class AttentionMapCallback(BaseCallback):
    """Show what a model attends to, from before training to its end.

    At logarithmically spaced steps the same probe observations pass through the policy, and their
    attention goes to TensorBoard (pictures `attention_map/probe00`, ..., curves `attention/...`)
    and to `folder` (`attention/step_000012345.npz` and `probes.npz`). Works with every
    Stable-Baselines3 algorithm whose extractor holds a `Probe`; with any other it says once that
    there is nothing to record. It draws no random number and changes no weight: the model trains
    exactly as it would without.

    With a folder, a training that goes on from an earlier one (`reset_num_timesteps=False`) carries
    on its snapshots. Snapshots of later steps than the one where training begins belong to another
    history and are deleted.

    Args:
        probes: What to look at. None takes the first observation of each of the first four training
            environments, with what they say of it by `describe_entities()` (docs/attaching.md).
            Behind `VecNormalize`, probes hold observations that are not normalised
            (`env.get_original_obs()`): each snapshot normalises them by the statistics of its
            moment. Where another wrapper around it changes shapes (`VecFrameStack`), they hold
            observations as the policy sees them, and stay as they are.
        snapshots: How many snapshots, at least 2. TensorBoard shows at most 10 pictures a tag
            unless started with `--samples_per_plugin images=200`.
        folder: Folder of the run. None writes to TensorBoard alone.
        faithfulness: At each snapshot also take entities out of the probes, and write to
            TensorBoard how well attention tells which of them decide (`faithfulness/...`).
        empty: The numbers of an empty place of the observation, such as (1, 0, 0) for an empty cell
            of MiniGrid, if entities are to be taken out by putting one in their place.
        verbose: Verbosity of Stable-Baselines3 callbacks.

    Attributes:
        seconds: Time that the snapshots took so far, for whoever measures the training alone.

    Raises:
        UserError: If `snapshots` is below 2; when training begins, if there is neither a folder
            nor a TensorBoard log, if the folder holds other probes, or if probes do not fit.
    """

    def __init__(
        self,
        probes: ProbeSet | None = None,
        *,
        snapshots: int = 10,
        folder: str | Path | None = None,
        faithfulness: bool = True,
        empty: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if snapshots < 2:
            raise UserError(f"snapshots must be at least 2 (first and last), got {snapshots}")
        self.probes = probes
        self.snapshots = snapshots
        self.folder = None if folder is None else Path(folder)
        self.faithfulness = faithfulness
        self.empty = empty
        self.seconds = 0.0
        self._active = False
        self._previous: Snapshot | None = None
        self._pending: list[int] = []
        self._shown: ProbeSet | None = None

    def _on_training_start(self) -> None:
        self._active = self._has_attention()
        if not self._active:
            return
        if self.folder is None and tensorboard_writer(self.logger) is None:
            raise UserError(
                "attention maps have nowhere to go: give the callback a folder, "
                "or the model a tensorboard_log"
            )
        tokens = read_tokens(find_extractor(self.model)[1])
        probes = self._settle_probes(sum(each.n_described for each in tokens) or None)
        self._shown = complete(probes, tokens)
        self._carry_on()
        done = -1 if self._previous is None else self._previous.step
        steps = snapshot_steps(
            int(self.locals["total_timesteps"]),
            self.snapshots,
            unit=update_unit(self.model),
            learning_starts=int(getattr(self.model, "learning_starts", 0)),
        )
        self._pending = [step for step in steps if step > done]

    def _on_rollout_start(self) -> None:
        # here the update that followed the last rollout is done
        step = self.model.num_timesteps
        if self._active and self._pending and self._pending[0] <= step:
            self._pending = [later for later in self._pending if later > step]
            self._take(step)

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        step = self.model.num_timesteps
        if self._active and (self._previous is None or self._previous.step < step):
            self._take(step)

    def _has_attention(self) -> bool:
        try:
            find_extractor(self.model)
        except UserError:
            name = type(self.model).__name__
            self.logger.info(f"no attention in this {name} policy: no maps will be recorded")
            return False
        return True

    def _settle_probes(self, n_tokens: int | None) -> ProbeSet:
        """Choose the probes and store them, or take up those that the folder already holds."""
        stored = None if self.folder is None else self.folder / PROBES_FILE
        if stored is not None and stored.exists() and self.model.num_timesteps > 0:
            kept = ProbeSet.load(stored)
            if self.probes is not None and self.probes.digest != kept.digest:
                raise UserError(
                    f"{stored} holds other probes than those given: this training goes on from "
                    "an earlier one, so give the same probes, or another folder"
                )
            self.probes = kept
            return kept
        if self.probes is None:
            self.probes = first_look(self.model, n_tokens=n_tokens)
        if stored is not None:
            self.probes.save(stored)
        return self.probes

    def _carry_on(self) -> None:
        """Find the snapshot before the first one to come, and drop those of another history."""
        step = self.model.num_timesteps
        if self.folder is None:
            if self._previous is not None and (step == 0 or self._previous.step > step):
                self._previous = None
            return
        self._previous = None
        for at, path in list_snapshots(self.folder).items():
            if at > step:
                path.unlink()
            elif step:  # the one at this very step too: it was taken before the checkpoint
                self._previous = read_snapshot(path)

    def _take(self, step: int) -> None:
        assert self.probes is not None
        assert self._shown is not None
        began = time.monotonic()
        maps = record(self.model, as_seen(self.model, self.probes.observations))
        layers = label_layers(maps, self._shown.sizes)
        snapshot = Snapshot(step=step, layers=layers, probes_digest=self.probes.digest)
        before = None if self._previous is None else self._previous.layers
        if self.folder is not None:
            write_snapshot(self.folder, snapshot)
        scalars = summarise(layers, self._shown, before)
        if tensorboard_writer(self.logger) is not None:
            scalars |= self._ask_faithfulness()
        self._log(snapshot, scalars)
        self._previous = snapshot
        self.seconds += time.monotonic() - began

    def _ask_faithfulness(self) -> dict[str, float]:
        if not self.faithfulness or self.probes is None:
            return {}
        from rl_attention.explain.tags import faithfulness_tags

        try:
            return faithfulness_tags(self.model, self.probes, empty=self.empty)
        except UserError as error:  # not every model that attends can be asked
            self.faithfulness = False
            self.logger.info(f"no curves of faithfulness: {error}")
            return {}

    def _log(self, snapshot: Snapshot, scalars: dict[str, float]) -> None:
        writer = tensorboard_writer(self.logger)
        if writer is None:
            return
        assert self._shown is not None
        for tag, value in scalars.items():
            writer.add_scalar(tag, value, global_step=snapshot.step)
        for index in range(len(self._shown)):
            picture = draw_mosaic(snapshot.layers, self._shown, index)
            tag = f"attention_map/probe{index:02d}"
            writer.add_image(tag, picture, global_step=snapshot.step, dataformats="HWC")
        writer.flush()
