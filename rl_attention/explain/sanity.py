"""Whether maps depend on what was learned, and how far two maps lie apart."""

import copy
import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import rel_entr  # type: ignore[import-untyped]
from scipy.stats import kendalltau  # type: ignore[import-untyped]

from rl_attention.errors import UserError
from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps import MAPS, compute_maps, is_of
from rl_attention.explain.subject import Subject
from rl_attention.randomness import unchanged_randomness


class NotRebuilt(UserError):
    """A policy that its class and options do not build again."""


FEWEST = 3
"""Of fewer entities an order says too little."""

BLIND = ("nearest", "random")
"""Maps that do not look into the network."""


def sanity(
    subject: Subject, maps: Mapping[str, Floats], *, n_networks: int = 3
) -> dict[str, float]:
    """Compare maps with those of networks whose weights are drawn anew.

    A map that does not care what the network has learned explains nothing it does (Adebayo et al.
    2018, "Sanity Checks for Saliency Maps", section 3): near 0 is good, near 1 is bad.

    Args:
        subject: The model and the states.
        maps: What `compute_maps` gave of it; those of `BLIND` are left out, and so is what is not
            among `MAPS`.
        n_networks: How many networks are drawn.

    Returns:
        For each map the mean of Kendall's tau-b over networks and states with `FEWEST` entities or
        more; NaN where there is none, or where one of the maps is the same for all entities.
    """
    kinds = [name for name in MAPS if name not in BLIND and any(is_of(key, name) for key in maps)]
    networks = []
    for number in range(n_networks):
        seed = int(subject.generator(f"network {number}").integers(2**31))
        networks.append(compute_maps(_about(subject, reinitialised(subject.model, seed)), kinds))

    def likeness(name: str) -> float:
        each = [rank_correlation(maps[name], found[name], subject.present) for found in networks]
        known = np.concatenate(each)
        known = known[~np.isnan(known)]
        return float(known.mean()) if len(known) else float("nan")

    return {name: likeness(name) for name in maps if name in networks[0]}


def reinitialised(model: Any, seed: int) -> Any:
    """Return the model with a policy of the same class and options, whose weights are drawn anew.

    Environment, statistics of observations and buffers are those of the model; nothing of it is
    changed, and no generator is moved.

    Args:
        model: A Stable-Baselines3 algorithm.
        seed: What is drawn.

    Raises:
        NotRebuilt: The policy cannot be built again: something else was put into it since.
    """
    with unchanged_randomness(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is built here is not what is trained
        _seed(seed)
        policy = model.policy_class(
            model.observation_space,
            model.action_space,
            getattr(model, "lr_schedule", lambda _: 0.0),
            **_policy_options(model),
        ).to(model.device)
    if _shapes(policy) != _shapes(model.policy):
        raise NotRebuilt(
            f"expected a policy that {model.policy_class.__name__} and policy_kwargs build again, "
            "got one with other weights: its network was put into it after it was built"
        )
    twin = copy.copy(model)
    twin.policy = policy
    if hasattr(twin, "_create_aliases"):
        twin._create_aliases()
    return twin


def rank_correlation(first: Floats, second: Floats, present: NDArray[np.bool_]) -> Floats:
    """Give Kendall's tau-b of two maps in each state, `P`.

    Args:
        first: `P N`.
        second: `P N`.
        present: Which entities are real, `P N`.

    Returns:
        NaN where a state has fewer than `FEWEST` entities, or a map is the same for all of them.
    """
    return np.array(
        [
            kendalltau(one[real], other[real], method="asymptotic").statistic
            if real.sum() >= FEWEST
            else np.nan
            for one, other, real in zip(first, second, present, strict=True)
        ]
    )


def distance_between(first: Floats, second: Floats, present: NDArray[np.bool_]) -> Floats:
    """Give the Jensen-Shannon divergence of two maps in each state, in nats: `P`.

    Between maps of networks that differ in their seed alone, it says how much of a map is chance
    (Wiegreffe & Pinter 2019, section 3.3).

    Args:
        first: `P N`, shared out over real entities so that they sum to 1.
        second: `P N`.
        present: Which entities are real, `P N`.

    Returns:
        Between 0 and ln 2; NaN where a map is no distribution: a number is below 0, or all are 0.
    """
    one, other = _shared_out(first, present), _shared_out(second, present)
    middle = (one + other) / 2
    total = (rel_entr(one, middle) + rel_entr(other, middle)).sum(axis=1) / 2
    return np.asarray(np.maximum(total, 0.0))


def _about(subject: Subject, model: Any) -> Subject:
    """Ask another model of the same build about the same states."""
    twin = copy.copy(subject)
    twin.model = model
    vars(twin).pop("decisions", None)  # it was cached of the other
    return twin


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    # the policy is built on the CPU: devices keep their generators
    torch.default_generator.manual_seed(seed)


def _policy_options(model: Any) -> dict[str, Any]:
    """What the algorithm gives its policy beside spaces and schedule."""
    options = copy.deepcopy(dict(model.policy_kwargs))
    if getattr(model, "use_sde", False):  # on-policy algorithms hand it over apart
        options["use_sde"] = True
    return options


def _shapes(policy: torch.nn.Module) -> dict[str, torch.Size]:
    # a compiled part puts a name of its own before those of its weights
    return {
        name.replace("_orig_mod.", ""): weight.shape for name, weight in policy.named_parameters()
    }


def _shared_out(table: Floats, present: NDArray[np.bool_]) -> Floats:
    real = np.where(present, table, 0.0)
    total = real.sum(axis=1, keepdims=True)
    known = (real >= 0).all(axis=1, keepdims=True) & (total > 0)
    return np.where(known, real / np.where(known, total, 1.0), np.nan)
