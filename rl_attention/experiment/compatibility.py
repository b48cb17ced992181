"""Settings that are each right and do not go together."""

from typing import TYPE_CHECKING

from rl_attention.combinations import find_combination_conflict
from rl_attention.experiment.hyperparams import OnPolicyHyperparams, PPOConfig, PPOLSTMConfig

if TYPE_CHECKING:
    from rl_attention.experiment.config import RunConfig

VIEWS_OF_ARM = {
    "attention": ("entities", "cells", "pixels"),
    "uniform": ("entities", "cells"),
    "mlp": ("entities", "cells"),
    "cnn": ("cells",),
    "flat": ("flat",),
}


def find_conflict(config: "RunConfig") -> str | None:
    """Name the first pair of settings that cannot be had together, or None."""
    checks = (
        _arm_and_view,
        _normalize,
        _history,
        _heads,
        _choices,
        _patches,
        _lstm,
        _minibatch,
        _advantages,
        _epsilon,
        _snapshots,
        _imitation,
        _init,
    )
    return next((reason for check in checks if (reason := check(config)) is not None), None)


def _arm_and_view(config: "RunConfig") -> str | None:
    views = VIEWS_OF_ARM[config.arm]
    if config.env.view in views:
        return None
    expected = " or ".join(views)
    arms = " or ".join(arm for arm, known in VIEWS_OF_ARM.items() if config.env.view in known)
    return (
        f"env.view: arm {config.arm!r} takes the view {expected}, got {config.env.view!r} "
        f"(which goes with {arms})"
    )


def _normalize(config: "RunConfig") -> str | None:
    if not config.env.normalize or config.env.view == "flat":
        return None
    return (
        f"env.normalize: expected false with the view {config.env.view!r}, got true: "
        "scaling symbols by a running mean destroys them (only flat takes it)"
    )


def _history(config: "RunConfig") -> str | None:
    if config.env.n_frames is None:
        if config.extractor.frames == "entities":
            return None
        return "extractor.frames: means nothing without env.n_frames; set it, or leave this out"
    if config.env.view != "entities":
        views = VIEWS_OF_ARM[config.arm]
        why = "" if "entities" in views else f", which arm {config.arm!r} needs: take another arm"
        return f"env.n_frames: expected the view 'entities', got {config.env.view!r}{why}"
    if config.imitation is not None:
        return "env.n_frames: expected none with imitation, whose bot is asked about single frames"
    return None


def _heads(config: "RunConfig") -> str | None:
    width, heads = config.extractor.width, config.extractor.n_heads
    if config.arm == "flat" or width % heads == 0:
        return None
    return f"extractor.n_heads: expected a divisor of extractor.width = {width}, got {heads}"


def _choices(config: "RunConfig") -> str | None:
    """Attention's own options; the control arms are sized by attention, so they need them too."""
    if config.arm == "flat":
        return None
    kind = config.env.view if config.env.n_frames is None else "frames"
    # the rows of the entities view hold coordinates; every view but flat holds the mission
    columns = ("right", "forward") if kind == "entities" else None
    options = {**config.extractor.model_dump(), "place_columns": columns}
    conflict = find_combination_conflict(
        options, kind=kind, has_words="mission" not in config.extractor.ignored_keys
    )
    return None if conflict is None else f"extractor.{conflict[0]}: {conflict[1]}"


def _patches(config: "RunConfig") -> str | None:
    side, patch = 56, config.extractor.patch_size
    if config.env.view != "pixels" or side % patch == 0:
        return None
    return f"extractor.patch_size: expected a divisor of the view's {side} pixels, got {patch}"


def _lstm(config: "RunConfig") -> str | None:
    settings = config.hyperparams
    if not isinstance(settings, PPOLSTMConfig):
        return None
    if settings.shared_lstm and settings.enable_critic_lstm:
        return (
            "hyperparams.enable_critic_lstm: expected false with shared_lstm, got true: the value "
            "has the LSTM of the policy then"
        )
    return None


def _minibatch(config: "RunConfig") -> str | None:
    if not isinstance(config.hyperparams, PPOConfig):
        return None
    n_steps, n_envs = config.hyperparams.n_steps, config.env.n_envs
    rollout, batch = n_steps * n_envs, config.hyperparams.batch_size
    if rollout < 2:
        return "hyperparams.n_steps: expected n_steps x env.n_envs above 1, got 1"
    if batch is None or (batch > 1 and rollout % batch == 0):
        return None
    return (
        f"hyperparams.batch_size: expected a divisor above 1 of n_steps x env.n_envs = "
        f"{n_steps} x {n_envs} = {rollout}, got {batch} (null: a quarter of it)"
    )


def _epsilon(config: "RunConfig") -> str | None:
    first = getattr(config.hyperparams, "exploration_initial_eps", 1.0)
    last = getattr(config.hyperparams, "exploration_final_eps", 0.0)
    if last <= first:
        return None
    return f"hyperparams.exploration_final_eps: expected at most {first} (the first), got {last}"


def _advantages(config: "RunConfig") -> str | None:
    settings = config.hyperparams
    if not isinstance(settings, OnPolicyHyperparams) or settings.normalize_advantage:
        return None
    if not settings.advantage_floor:
        return None
    return (
        "hyperparams.advantage_floor: expected 0 with normalize_advantage false, got "
        f"{settings.advantage_floor}: what is not scaled has no floor"
    )


def _snapshots(config: "RunConfig") -> str | None:
    if config.recording.snapshots != 1:
        return None
    return "recording.snapshots: expected 0 (none) or at least 2 (first and last), got 1"


def _imitation(config: "RunConfig") -> str | None:
    asked = config.imitation
    if asked is None:
        return None
    if config.algo not in ("ppo", "a2c"):
        return (
            f"algo: expected ppo or a2c with imitation, got {config.algo!r}, whose policy has no "
            "distribution over actions that could be fitted"
        )
    if config.env.normalize:
        return "env.normalize: expected false with imitation, got true"
    if config.attention_ent_coef:
        return (
            f"attention_ent_coef: expected 0 with imitation, got {config.attention_ent_coef}: it "
            "is a term of the algorithm's loss, and labels have their own"
        )
    if config.env.agent_view_size != 7:
        return f"env.agent_view_size: expected 7 with imitation, got {config.env.agent_view_size}"
    if asked.method == "dagger" and asked.rounds > asked.labels:
        return (
            f"imitation.rounds: expected at most imitation.labels = {asked.labels}, one for each "
            f"round, got {asked.rounds}"
        )
    return None


def _init(config: "RunConfig") -> str | None:
    if config.init is None or config.imitation is None:
        return None
    return "init: expected none with imitation, which begins with random weights, got one"
