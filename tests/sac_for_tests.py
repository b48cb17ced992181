"""SAC on a Box environment with running means, by the callback alone."""

import gymnasium
from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from rl_attention.callbacks import MetricsLogCallback, ResumeCallback
from rl_attention.experiment.weights import save_weights


class ShortPendulum(gymnasium.Wrapper):
    """Pendulum with episodes of ten steps."""

    def __init__(self):
        super().__init__(gymnasium.make("Pendulum-v1", max_episode_steps=10))


def make_sac(**changes):
    env = VecNormalize(make_vec_env(ShortPendulum, n_envs=2, seed=0))
    settings = {
        "learning_starts": 50,
        "buffer_size": 300,
        "batch_size": 16,
        "policy_kwargs": {"net_arch": [16]},
        "seed": 0,
        "device": "cpu",
        **changes,
    }
    return SAC("MlpPolicy", env, **settings)


def train_sac(folder, *, total=800, every=100, also=(), **changes):
    """Train, or train on, and leave `policy.safetensors` and `metrics.jsonl` in a folder."""
    model = make_sac(**changes)
    metrics = MetricsLogCallback(folder, every=20)
    saving = ResumeCallback(folder / "checkpoints", seed=0, every=every, parts={"metrics": metrics})
    done = saving.resume(model)
    callbacks = [metrics, *also, saving]
    model.learn(total - done, callback=callbacks, reset_num_timesteps=not done)
    save_weights(model.policy, folder / "policy.safetensors")
    return model
