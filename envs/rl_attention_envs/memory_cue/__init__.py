"""MiniGrid's Memory from the cue on: where it begins, there is nothing to explore."""

import gymnasium

PRESETS: dict[str, int] = {f"MemoryCue-S{size}-v0": size for size in (7, 9, 11, 13)}
"""Side of the grid by id."""


def register() -> None:
    """Make the ids known to Gymnasium."""
    for env_id, size in PRESETS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                entry_point="rl_attention_envs.memory_cue.env:MemoryCueEnv",
                kwargs={"size": size},
            )


register()
