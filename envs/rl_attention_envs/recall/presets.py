"""The ids of Recall, and what each is made from."""

from dataclasses import asdict

import gymnasium

from rl_attention_envs.recall.params import RecallParams

FAMILY = "Recall"

PRESETS: dict[str, RecallParams] = {
    f"Recall-{distance}-v0": RecallParams(distance=distance)
    for distance in (8, 16, 32, 64, 128, 256)
}
"""All share their observation space, so what was trained on one distance plays the others."""


def register() -> None:
    """Make the ids known to Gymnasium."""
    for env_id, params in PRESETS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                entry_point="rl_attention_envs.recall.gym_env:RecallEnv",
                kwargs=asdict(params),
            )
