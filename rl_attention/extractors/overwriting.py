"""A shared extractor that is given the weights of two: the critic's overwrite the actor's.

`policy.save` of Stable-Baselines3's actor-critic policies leaves `share_features_extractor` out, so
that `policy.load` builds one extractor where two were saved. All names are there: nothing fails.
"""

import warnings
from collections.abc import Mapping
from weakref import WeakSet

import torch
from torch import Tensor, nn

_ACTOR = "pi_features_extractor."
_CRITIC = "vf_features_extractor."
_STACKLEVEL = 7
"""From here through torch to whoever called `policy.load`."""

_loaded_as_actors: WeakSet[nn.Module] = WeakSet()


def warn_if_overwritten(
    extractor: nn.Module, state_dict: Mapping[str, Tensor], prefix: str
) -> None:
    """Say so where an extractor has the actor's weights and now gets other ones of the critic.

    Called once for each name that a policy has for the extractor, in the order in which
    `load_state_dict` takes them: the actor's comes before the critic's.

    Args:
        extractor: The extractor that is loaded.
        state_dict: Holds the new weights.
        prefix: What their names begin with.

    Warns:
        UserWarning: The weights are those of a policy with separate extractors.
    """
    if prefix.endswith(_ACTOR):
        if any(name.startswith(prefix) for name in state_dict):
            _loaded_as_actors.add(extractor)
    elif prefix.endswith(_CRITIC) and extractor in _loaded_as_actors:
        _loaded_as_actors.discard(extractor)
        if _differ(extractor, state_dict, prefix):
            warnings.warn(
                "these weights are of a policy whose actor and critic have an extractor each, and "
                "this policy shares one: the critic's have overwritten the actor's, and it acts "
                "otherwise than the one that was saved; policy.save of Stable-Baselines3 does not "
                "keep share_features_extractor=False: use model.save and load, or a policy of "
                "rl_attention.policies, which comes back as it went",
                stacklevel=_STACKLEVEL,
            )


def _differ(extractor: nn.Module, state_dict: Mapping[str, Tensor], prefix: str) -> bool:
    """Compare the weights that are there with those that come; other shapes fail by themselves."""
    for name, here in extractor.named_parameters():
        comes = state_dict.get(prefix + name)
        if comes is None or comes.shape != here.shape:
            continue
        if not torch.allclose(comes.to(here), here, rtol=0, atol=0, equal_nan=True):
            return True
    return False
