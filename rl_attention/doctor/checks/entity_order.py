"""Features of a set that depend on the order of its entities."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rl_attention.doctor.findings import Finding, NotApplicable
from rl_attention.doctor.network import TOLERANCE, difference
from rl_attention.doctor.subject import Subject
from rl_attention.tokenizers.schema import MASK_KEY

_ROWS = 8
_KEY = "entities"


def check(subject: Subject) -> Iterator[Finding]:
    """Compare features before and after the real entities change places.

    Args:
        subject: What is examined.

    Raises:
        NotApplicable: There is no model to try, or no entities.
    """
    network = subject.network()
    if not isinstance(subject.space, spaces.Dict) or _KEY not in subject.space.spaces:
        raise NotApplicable(f"no key is called {_KEY}")
    drawn = network.draw(_ROWS)
    turned = {**drawn, _KEY: _turn(drawn[_KEY], drawn.get(MASK_KEY))}
    before = network.features(network.twin(), drawn)
    apart = difference(before, network.features(network.twin(), turned))
    if apart > TOLERANCE:
        yield Finding(
            "entity_order",
            "note",
            network.path,
            f"features differ by {apart:.2g} when entities change places: "
            f"{type(network.extractor).__name__} has to learn every order by itself",
            "use an extractor that does not see the order, such as AttentionExtractor",
        )


def _turn(entities: NDArray[Any], mask: NDArray[Any] | None) -> NDArray[Any]:
    """Let each real entity take the place of the one before it."""
    turned = entities.copy()
    for row, one in enumerate(entities):
        real = np.arange(len(one)) if mask is None else np.flatnonzero(mask[row])
        turned[row, real] = one[np.roll(real, 1)]
    return turned
