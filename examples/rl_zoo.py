"""RL Zoo's own commands, `train` and `enjoy`, with a YAML file of ours: PPO on DoorKey.

The file names the policy and the wrapper by their paths, so nothing of RL Zoo has to be changed;
docs/rl-zoo.md explains its lines.

One minute on one core. Prints both commands, to be copied, and what they say; leaves `logs/rl_zoo`.
Look at `success_rate` in the last table of `train` and at the last lines of `enjoy`. Seen: success
1.00 over the last 100 episodes of training, 100 % of 101 episodes of `enjoy`.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "configs" / "rl_zoo" / "ppo.yml"
WHICH = ["--algo", "ppo", "--env", "MiniGrid-DoorKey-5x5-v0", "--num-threads", "1", "--seed", "0"]


def run(*command):
    """Print a command and run it."""
    command = [sys.executable, "-m", *command]
    print("$", shlex.join(command), flush=True)
    subprocess.run(command, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=100_000)
    timesteps = str(parser.parse_args().timesteps)

    logs = ["-f", "logs/rl_zoo"]
    run("rl_zoo3.train", *WHICH, *logs, "--conf-file", str(FILE), "-n", timesteps, "--eval-freq=-1")
    run("rl_zoo3.enjoy", *WHICH, *logs, "-n", "1000", "--no-render")


if __name__ == "__main__":
    main()
