"""Options that have no say where a bot is imitated."""

from collections.abc import Iterator, Mapping
from typing import Any

from rl_attention.errors import UserError
from rl_attention.experiment.imitation.config import ImitationConfig
from rl_attention.experiment.overrides import merge

_OF_DAGGER = ("rounds", "decay")


def refuse_idle_options(given: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse options that an imitation would leave aside without a word.

    An option that any arm could need is not refused, and neither is what a file says.

    Args:
        given: Settings given on the command line, nested.
        settings: Those of the file and the options together.

    Raises:
        UserError: There is such an option.
    """
    found = _imitations(settings)
    if all(isinstance(imitation, Mapping) for imitation in found):
        methods = {imitation.get("method", "bc") for imitation in found}
        for reason in _reasons(given, only_bc=methods == {"bc"}):
            raise UserError(reason)


def _imitations(settings: Mapping[str, Any]) -> list[Any]:
    """List the group `imitation` of every arm, or the one that there is."""
    arms = settings.get("arms")
    changes = list(arms.values()) if isinstance(arms, Mapping) and arms else [{}]
    return [
        merge(settings, arm if isinstance(arm, Mapping) else {}).get("imitation") for arm in changes
    ]


def _reasons(given: Mapping[str, Any], *, only_bc: bool) -> Iterator[str]:
    if "n_timesteps" in given:
        yield "-n: expected --imitation.labels, the questions to the bot; there are no frames"
    for name in given.get("hyperparams", {}):
        own = f"--imitation.{name}" if name in ImitationConfig.model_fields else "none"
        yield (
            f"--hyperparams.{name}: expected {own}: hyperparameters are of reinforcement learning, "
            "and have no say in an imitation"
        )
    for name in given.get("checkpoint", {}):
        yield (
            f"--checkpoint.{name}: expected none: an imitation has no checkpoints, and one that is "
            "stopped begins anew"
        )
    for name in _OF_DAGGER if only_bc else ():
        if name in (given.get("imitation") or {}):
            yield (
                f"--imitation.{name}: expected --imitation.method dagger beside it: cloning has "
                "one round, all of whose steps are the bot's"
            )
