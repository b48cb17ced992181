"""The ids of Box-World, and what each is made from."""

from dataclasses import asdict, replace
from typing import Any

import gymnasium

from rl_attention_envs.box_world.params import BoxWorldParams, Pair

FAMILY = "BoxWorld"


def _one_key_for_each_lock(n_colours: int, apart: int) -> tuple[Pair, ...]:
    """Withhold one key from the lock of each colour; every key and every lock is still trained."""
    return tuple(((lock + apart) % n_colours + 1, lock + 1) for lock in range(n_colours))


_TINY = BoxWorldParams(
    size=6,
    solution_length=(1, 2),
    n_branches=(0, 1),
    n_colours=6,
    withheld=_one_key_for_each_lock(6, 2),
    reward_scale=0.1,
)
_SMALL = BoxWorldParams(
    size=8,
    solution_length=(1, 3),
    n_branches=(0, 2),
    n_colours=10,
    withheld=_one_key_for_each_lock(10, 3),
    reward_scale=0.1,
)
_FULL = BoxWorldParams(withheld=_one_key_for_each_lock(20, 7))

PRESETS: dict[str, BoxWorldParams] = {
    "BoxWorld-6x6-v0": _TINY,
    "BoxWorld-6x6-Longer-v0": replace(_TINY, solution_length=3),
    "BoxWorld-6x6-Withheld-v0": replace(_TINY, solution_length=2, require_withheld=True),
    "BoxWorld-8x8-v0": _SMALL,
    "BoxWorld-8x8-Longer-v0": replace(_SMALL, solution_length=(4, 5)),
    "BoxWorld-8x8-Withheld-v0": replace(_SMALL, solution_length=(2, 3), require_withheld=True),
    "BoxWorld-12x12-v0": _FULL,
    "BoxWorld-12x12-Longer-v0": replace(_FULL, solution_length=(5, 10)),
    "BoxWorld-12x12-Withheld-v0": replace(_FULL, solution_length=(2, 4), require_withheld=True),
    "BoxWorld-12x12-LongBranches-v0": replace(_FULL, branch_length=3),
}
"""Those of one size share their observation spaces, so what was trained on one plays all."""


def register() -> None:
    """Make the ids known to Gymnasium."""
    for env_id, params in PRESETS.items():
        if env_id not in gymnasium.registry:
            kwargs: dict[str, Any] = asdict(params)
            gymnasium.register(
                env_id,
                entry_point="rl_attention_envs.box_world.gym_env:BoxWorldEnv",
                kwargs=kwargs,
            )
