"""RecurrentPPO on MiniGrid-RedBlueDoors: open the red door first, then the blue one.

The extractor attends to what is in view and an LSTM remembers the rest: the extractor itself keeps
no state.

Five minutes on one core; leaves nothing. Seen: success 8 % before training, 99 % after; PPO with
the same settings, without an LSTM, 63 % (one seed each). Not every task is as easy: on
MiniGrid-MemoryS7 the same settings stayed at 50 %, a guess, for all of 150,000 steps.
"""

import argparse

import minigrid  # noqa: F401, registers the environments
import numpy as np
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from rl_attention import AttentionExtractor
from rl_attention_envs.wrappers import ViewObservation


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=200_000)
    parser.add_argument("--episodes", type=int, default=100)
    options = parser.parse_args()

    env_id, wrapper = "MiniGrid-RedBlueDoors-6x6-v0", {"wrapper_class": ViewObservation}
    env = make_vec_env(env_id, n_envs=32, seed=0, **wrapper)
    model = RecurrentPPO(
        "MultiInputLstmPolicy",
        env,
        n_steps=64,
        batch_size=512,
        n_epochs=4,
        learning_rate=5e-4,
        gamma=0.99,
        ent_coef=0.01,
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": {"width": 32},
            "lstm_hidden_size": 64,
        },
        seed=0,
    )
    test_env = make_vec_env(env_id, n_envs=8, seed=1_000, **wrapper)
    for when in ("before", "after"):
        # in a partial view the likeliest action alone can go round in circles
        rewards, _ = evaluate_policy(
            model, test_env, options.episodes, deterministic=False, return_episode_rewards=True
        )
        success = np.mean(np.array(rewards) > 0)
        print(f"success {when} training: {success:.0%} of {options.episodes} episodes", flush=True)
        if when == "before":
            model.learn(options.timesteps)


if __name__ == "__main__":
    main()
