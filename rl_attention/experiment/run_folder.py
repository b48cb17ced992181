"""A run folder: one run's config, logs, network and results."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.manifest import make_manifest
from rl_attention.experiment.overrides import flatten
from rl_attention.experiment.results import Results
from rl_attention.experiment.validation import validate
from rl_attention.experiment.yaml_files import dump_yaml, load_yaml
from rl_attention.files import read_json, write_json, write_text

_SHOWN_DIFFERENCES = 3

_OUTPUTS = (
    "manifest.json",
    "vocabulary.json",
    "probes.npz",
    "progress.json",
    "metrics.jsonl",
    "policy.safetensors",
    "interrupted.safetensors",
    "normalization.npz",
    "model.zip",
    "checkpoints",
    "tensorboard",
    "attention",
)
"""What a run writes; `log.txt` may already be open, and `config.yaml` is written first."""


def locate(runs: Path, config: RunConfig) -> Path:
    """Return where the run of a config goes: `<runs>/<env>/<arm>_<algo>_s<seed>`.

    An imitation has its method in place of the algorithm, so that `train --from` goes elsewhere.
    """
    learner = config.algo if config.imitation is None else config.imitation.method
    return runs / config.env.id / f"{config.name}_{learner}_s{config.seed}"


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run folder.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """What the run was asked for."""
        return self.path / "config.yaml"

    @property
    def manifest(self) -> Path:
        """What it ran with: versions, platform, threads."""
        return self.path / "manifest.json"

    @property
    def vocabulary(self) -> Path:
        """The words that the mission's numbers stand for."""
        return self.path / "vocabulary.json"

    @property
    def probes(self) -> Path:
        """The fixed observations that maps are drawn of."""
        return self.path / "probes.npz"

    @property
    def progress(self) -> Path:
        """How far training is."""
        return self.path / "progress.json"

    @property
    def results(self) -> Path:
        """The results; a run is finished when this file is there."""
        return self.path / "results.json"

    @property
    def policy(self) -> Path:
        """The network's weights."""
        return self.path / "policy.safetensors"

    @property
    def interrupted(self) -> Path:
        """The network's weights when Ctrl-C came."""
        return self.path / "interrupted.safetensors"

    @property
    def normalization(self) -> Path:
        """The running means of a normalised observation."""
        return self.path / "normalization.npz"

    @property
    def model(self) -> Path:
        """SB3's own file, for other SB3 users; only `eval --trust` opens such a file."""
        return self.path / "model.zip"

    @property
    def checkpoints(self) -> Path:
        """What an unfinished run goes on from."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def log(self) -> Path:
        """What the run printed, and how it failed if it did."""
        return self.path / "log.txt"

    def find_results(self, config: RunConfig) -> Results | None:
        """Look whether this very run is already finished.

        Args:
            config: The run that is to go here.

        Returns:
            Its results, or None if it is still to be done.

        Raises:
            UserError: The folder belongs to another config, or cannot be read.
        """
        try:
            if not self.config.exists():
                return None
            self._refuse_other(config)
            if not self.results.exists():
                return None
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from None
        return Results.from_dict(read_json(self.results), source=self.results)

    def create(self, *, option: str = "-f/--log-folder") -> None:
        """Make the folder.

        Args:
            option: Where the user says another, for messages.

        Raises:
            UserError: It cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_text(self.path / ".writable", "")
            (self.path / ".writable").unlink()
        except OSError as error:
            raise UserError(
                f"{self.path}: the run folder cannot be written ({error.strerror or error}); "
                f"choose another with {option}"
            ) from None

    def remove_if_empty(self) -> None:
        """Remove the folder, and that of its environment, unless there is something in them."""
        with suppress(OSError):
            self.path.rmdir()
            self.path.parent.rmdir()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out of the folder while one works in it.

        The lock ends with the process that holds it, however that ends; its file stays.

        Raises:
            UserError: Another process is at work there, or the folder cannot be written.
        """
        self.create()
        lock = FileLock(self.path / "run.lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(
                f"{self.path}: another process is at work in this run folder; wait for it, or "
                "choose another with -f/--log-folder"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def begin(self, config: RunConfig) -> None:
        """Make the folder ready for a run from its first step.

        What an unfinished run without a checkpoint left there is removed, so that two histories are
        never mixed.

        Args:
            config: The run that goes here.

        Raises:
            UserError: It cannot be made or written.
        """
        self.create()
        self._clear()
        write_text(self.config, dump_yaml(config.dump()))
        write_json(self.manifest, make_manifest())

    def read_config(self) -> RunConfig:
        """Read back the config of the run.

        Raises:
            UserError: This is no run folder, or its config is not valid.
        """
        try:
            there = self.config.is_file()
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from None
        if not there:
            raise UserError(f"{self.path}: expected a run folder, but it has no config.yaml")
        return validate(RunConfig, load_yaml(self.config), source=str(self.config))

    def _clear(self) -> None:
        for name in _OUTPUTS:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _refuse_other(self, config: RunConfig) -> None:
        there, wanted = flatten(self.read_config().dump()), flatten(config.dump())
        there["init.path"] = wanted.get("init.path")  # the hash says which weights they are
        keys = [key for key in (there | wanted) if there.get(key) != wanted.get(key)]
        if not keys:
            return
        shown = [
            f"{key} is {there.get(key)!r} there, {wanted.get(key)!r} here"
            for key in keys[:_SHOWN_DIFFERENCES]
        ]
        more = f" and {len(keys) - len(shown)} more" if len(keys) > len(shown) else ""
        raise UserError(
            f"{self.path}: this folder holds a run with another config ({'; '.join(shown)}{more}); "
            "choose another with -f/--log-folder, or remove it"
        )
