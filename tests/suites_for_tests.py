"""Made-up runs of several tasks and arms."""

from dataclasses import replace

import numpy as np

from rl_attention.comparison import RunResult
from rl_attention.zero_shot_result import ZeroShotResult

RUN = RunResult(
    env="MiniGrid-DoorKey-5x5-v0",
    task="doorkey",
    arm="mlp",
    algo="ppo",
    seed=0,
    n_timesteps=1000,
    n_eval_episodes=10,
    success_rate=0.5,
    mean_reward=0.4,
    std_reward=0.1,
    frames_to_90=None,
    parameters=1000,
    fps=100.0,
    curve=[[100, 0.0], [500, 0.5], [1000, 0.6]],
    versions={"numpy": "2.0"},
)
GOOD, BAD = [0.9, 0.92, 0.95, 0.97, 1.0], [0.0, 0.1, 0.1, 0.2, 0.3]


def settings(run):
    return {
        "arm": run.arm,
        "seed": run.seed,
        "env": {"id": run.env, "view": "entities"},
        "label": None,
    }


def arm(name, rates, **changes):
    """One run for each rate, seeds from 0."""
    runs = [
        replace(RUN, arm=name, seed=seed, success_rate=rate, **changes)
        for seed, rate in enumerate(rates)
    ]
    return [run if run.settings else replace(run, settings=settings(run)) for run in runs]


def outcome(rate, reward=0.0):
    return ZeroShotResult(rate, reward, 0.0, 10)


def large_suite(n_tasks=13, n_arms=7, n_seeds=5):
    """A whole suite with curves and zero-shot tests."""
    curve = [[5 * i, min(1.0, i / 150)] for i in range(200)]
    tests = {"bigger": outcome(0.3), "shuffled": outcome(0.4), "both": None}
    return [
        run
        for t in range(n_tasks)
        for a in range(n_arms)
        for run in arm(
            f"arm{a}",
            [(t + a + s) % 10 / 10 for s in range(n_seeds)],
            task=f"task{t}",
            env=f"Env{t}-v0",
            curve=curve,
            zero_shot=tests,
            operations=1000,
        )
    ]


SCRIPT = "<script>alert('x')</script><img src=http://x>"
WEIGHTS = np.zeros((2, 4, 1, 3), np.float32)
WEIGHTS[..., 0] = 1.0
LAYER = {
    "step": np.array(0),
    "layers": np.array(["l0"]),
    "l0/weights": WEIGHTS,
    "l0/key_mask": np.ones((2, 3), bool),
    "l0/keys": np.array(["entities"]),
}
BOXES = np.tile(np.array([[0, 0, 8, 8], [8, 8, 16, 16], [0, 0, 0, 0]], np.int32), (2, 1, 1))
PROBES = {
    "frames": np.full((2, 16, 16, 3), 100, np.uint8),
    "boxes": BOXES,
    "agent_boxes": np.array([[8, 0, 16, 8]] * 2, np.int32),
    "missions": np.array([f"go {SCRIPT}", "x"]),
}


def write_map_folder(place):
    """Make a run folder with four snapshots."""
    (place / "attention").mkdir(parents=True)
    for step in (0, 10, 200, 3000):
        np.savez(place / "attention" / f"step_{step:09d}.npz", **LAYER)
    np.savez(place / "probes.npz", **PROBES)
    return place
