"""What is handed to Slurm, and who hands it in."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError
from rl_attention.sweep.worker import Job, attempt_all


@dataclass(frozen=True)
class SlurmTask:
    """What a job runs; submitit hands it in again when Slurm takes its node away.

    Args:
        attempt: Attempts one trial.
        jobs: The trials that it takes one after the other.
    """

    attempt: Callable[[Job], int]
    jobs: tuple[Job, ...]

    def __call__(self) -> list[int]:
        """Attempt every trial; one that is finished takes no time."""
        return attempt_all(self.attempt, self.jobs)

    def checkpoint(self) -> Any:
        """Say what is to be handed in again: the same, as the run folders know how far it is."""
        return importlib.import_module("submitit").helpers.DelayedSubmission(self)

    __submitit_checkpoint__ = checkpoint


def make_submitter(folder: Path, *, cluster: str, timeouts: int, options: Mapping[str, Any]) -> Any:
    """Build submitit's executor.

    Args:
        folder: Where submitit keeps its files; all nodes must see it.
        cluster: `slurm`, or submitit's `local`.
        timeouts: How often a job that ran out of time is handed in again.
        options: As submitit names them; None is as good as not there.

    Raises:
        UserError: submitit is not installed, there is no Slurm, or an option is not valid.
    """
    submitit = _import_submitit()
    try:
        submitter = submitit.AutoExecutor(folder, cluster=cluster, slurm_max_num_timeout=timeouts)
    except RuntimeError as error:
        raise UserError(f"--executor slurm: {error}") from None
    try:
        submitter.update_parameters(name="rl-attention", **options)
    except (NameError, ValueError, TypeError, AssertionError) as error:
        raise UserError(f"--slurm-option: {str(error).splitlines()[0]}") from None
    return submitter


def _import_submitit() -> Any:
    try:
        return importlib.import_module("submitit")
    except ImportError as error:
        raise UserError(
            "--executor slurm: expected the package submitit, but it cannot be imported "
            f"({error}); install it with: pip install 'rl-attention[slurm]'"
        ) from None
