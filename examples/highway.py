"""DQN on HighwayEnv: the ego vehicle asks the other vehicles.

`Kinematics` gives one matrix whose first row is the ego vehicle and whose column `presence` says
which rows are vehicles. `EgoAndOthers` takes the first row out: what is in no set becomes the
global token, and with `attention="ego"` that token alone asks. Without the wrapper
`presence_column` is enough; the ego vehicle is then a row like the others.

Some five minutes on one core. Leaves `logs/highway`; look at `tensorboard --logdir logs`, Images:
which vehicles are read, by their places. Always braking is what a policy has to beat: mean reward
20.8 and hardly a crash. Seen with this seed, on which the settings were chosen, the last of four:
26.1, no crash in 85 % of 20 episodes. With another seed: 21.0, no crash in 56 % of 50 episodes. So
short a training does not reliably beat braking; longer ones were not tried with these settings.
"""

import argparse

import gymnasium as gym
import highway_env  # noqa: F401, registers the environments
import numpy as np
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from rl_attention import AttentionExtractor, AttentionMapCallback

FEATURES = ["presence", "x", "y", "vx", "vy"]
RANGES = {"x": [-100, 100], "y": [-12, 12], "vx": [-30, 30], "vy": [-30, 30]}
OBSERVATION = {
    "type": "Kinematics",
    "features": FEATURES,
    "features_range": RANGES,
    "vehicles_count": 8,
}


class EgoAndOthers(gym.ObservationWrapper):
    """The first row under the key `ego`, the others under `vehicles`."""

    def __init__(self, env):
        super().__init__(env)
        box = env.observation_space
        self.observation_space = spaces.Dict(
            ego=spaces.Box(box.low[0], box.high[0]), vehicles=spaces.Box(box.low[1:], box.high[1:])
        )

    def observation(self, observation):
        self.rows = observation
        return {"ego": observation[0], "vehicles": observation[1:]}

    def describe_entities(self):
        """Name the rows in the pictures by their places, as the ego vehicle sees them."""
        return {
            "labels": [f"x {row[1]:+.2f} y {row[2]:+.2f}" * int(row[0]) for row in self.rows[1:]]
        }


class Brake:
    """Always brake: what a trained policy has to beat."""

    def predict(self, observations, *_, **__):
        return np.full(len(observations["ego"]), 4), None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=6_000)
    parser.add_argument("--episodes", type=int, default=20)
    options = parser.parse_args()

    extractor = {"entity_keys": ["vehicles"], "presence_column": 0, "attention": "ego", "width": 32}
    make = {"wrapper_class": EgoAndOthers, "env_kwargs": {"config": {"observation": OBSERVATION}}}
    env = make_vec_env("highway-fast-v0", seed=0, **make)
    model = DQN(
        "MultiInputPolicy",
        env,
        learning_rate=5e-4,
        learning_starts=200,
        gamma=0.9,
        target_update_interval=200,
        exploration_fraction=0.3,
        train_freq=1,
        batch_size=64,
        policy_kwargs={
            "features_extractor_class": AttentionExtractor,
            "features_extractor_kwargs": extractor,
        },
        tensorboard_log="logs/highway",
        seed=0,
    )
    model.learn(options.timesteps, callback=AttentionMapCallback())
    for name, policy in {"always braking": Brake(), "trained": model}.items():
        test_env = make_vec_env("highway-fast-v0", seed=1_000, **make)
        rewards, lengths = evaluate_policy(
            policy, test_env, options.episodes, return_episode_rewards=True
        )
        safe = np.mean(np.array(lengths) == 30)
        print(f"{name}: mean reward {np.mean(rewards):.1f}, no crash in {safe:.0%}")


if __name__ == "__main__":
    main()
