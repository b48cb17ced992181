"""Running every check on a model, an environment or a space."""

import warnings

from stable_baselines3.common.base_class import BaseAlgorithm

from rl_attention.doctor.checks import CHECKS
from rl_attention.doctor.environments import Env
from rl_attention.doctor.findings import SEVERITIES, Finding, NotApplicable, Report
from rl_attention.doctor.parts import Space
from rl_attention.doctor.subject import make_subject
from rl_attention.randomness import unchanged_randomness


def diagnose(
    target: BaseAlgorithm | Env | Space,
    *,
    env: Env | None = None,
    seed: int = 0,
    n_steps: int = 200,
) -> list[Finding]:
    """Find what silently ruins runs with Stable-Baselines3.

    The model stays as it is: weights, mode, random numbers, and its own environment, of which a
    fresh one is made for looking around, if Gymnasium knows how. An environment that was given is
    reset and stepped where no fresh one can be made, and reset once more at the end.

    Args:
        target: A model, an environment, several in a `VecEnv`, or an observation space.
        env: Beside a model: an environment that may be stepped.
        seed: Decides episodes, actions and whatever is drawn.
        n_steps: Random steps to take.

    Returns:
        The findings, the worst first.

    Raises:
        TypeError: It is nothing of the kind.
    """
    return list(examine(target, env=env, seed=seed, n_steps=n_steps).findings)


def examine(
    target: BaseAlgorithm | Env | Space,
    *,
    env: Env | None = None,
    seed: int = 0,
    n_steps: int = 200,
) -> Report:
    """Do as `diagnose`, and tell also which checks could not be made.

    Args:
        target: As for `diagnose`.
        env: As for `diagnose`.
        seed: As for `diagnose`.
        n_steps: As for `diagnose`.

    Raises:
        TypeError: It is nothing of the kind.
    """
    with unchanged_randomness(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # building a network again would say it all again
        subject = make_subject(target, env, seed=seed, n_steps=n_steps)
        findings: list[Finding] = []
        skipped = {}
        for name, check in CHECKS.items():
            try:
                # one by one: what was found before a check gave up counts
                for finding in check(subject):
                    findings.append(finding)
            except NotApplicable as error:
                skipped[name] = str(error)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    ran = tuple(name for name in CHECKS if name not in skipped)
    return Report(tuple(findings), ran, skipped)
