"""DQN on HighwayEnv: the ego vehicle asks the other vehicles.

`Kinematics` gives one matrix whose first row is the ego vehicle and whose column `presence` says which
rows are vehicles. `EgoAndOthers` takes the first row out: what is in no set becomes the global token,
and with `attention="ego"` that token alone asks. Without the wrapper `presence_column` is enough; the
ego vehicle is then a row like the others.

Some five minutes on one core, most of them HighwayEnv's own. Leaves `logs/highway`; look at
`tensorboard --logdir logs`, Images: which vehicles are read, by their places. Seen, in 20 episodes:
mean reward 6.8 and no episode without a crash before training, 24.4 and 80 % after. Always braking
gives 21.0 and 100 %: so short a training drives faster than that, but not as safely.
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
        """Name the rows in the pictures; x and y are where a vehicle is, seen from the ego vehicle."""
        return {
            "labels": [f"x {row[1]:+.2f} y {row[2]:+.2f}" * int(row[0]) for row in self.rows[1:]]
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=6_000)
    timesteps = parser.parse_args().timesteps

    extractor = {"entity_keys": ["vehicles"], "presence_column": 0, "attention": "ego", "width": 32}
    make = {"wrapper_class": EgoAndOthers, "env_kwargs": {"config": {"observation": OBSERVATION}}}
    env = make_vec_env("highway-fast-v0", seed=0, **make)
    test_env = make_vec_env("highway-fast-v0", seed=1_000, **make)
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
    for when in ("before", "after"):
        rewards, lengths = evaluate_policy(model, test_env, 20, return_episode_rewards=True)
        print(
            f"{when} training: mean reward {np.mean(rewards):.1f}, "
            f"{np.mean(np.array(lengths) == 30):.0%} of 20 episodes without a crash",
            flush=True,
        )
        if when == "before":
            model.learn(timesteps, callback=AttentionMapCallback())


if __name__ == "__main__":
    main()
