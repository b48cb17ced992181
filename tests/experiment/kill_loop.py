"""Run a training, and again while it is killed over and over: `kill_loop.py KIND FOLDER SEED`.

The trainings are forked from this process, which has imported everything and trained nothing, so
that a kill can come at any moment of a run without waiting for imports. Prints how often it killed.
"""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import torch
from runs_for_tests import make_config
from sac_for_tests import train_sac

from rl_attention.experiment.training import run_trial

KILLS = 8


def fork(work):
    child = os.fork()
    if child:
        return child
    try:
        warnings.simplefilter("ignore")
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def finish(work):
    _, status = os.waitpid(fork(work), 0)
    if status:
        sys.exit(f"a training failed with status {status}")


def kill_and_finish(work, seconds, chance):
    """Kill trainings at random moments until it was often enough, then let the last one end."""
    kills = 0
    while kills < KILLS:
        child = fork(work)
        time.sleep(chance.uniform(0.0, seconds))
        if os.waitpid(child, os.WNOHANG)[0]:
            break  # it was done before
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kills += 1
    finish(work)
    return kills


def main(kind, folder, seed):
    torch.set_num_threads(1)
    if kind == "sac":
        runs = {name: lambda name=name: train_sac(folder / name) for name in ("whole", "killed")}
    else:
        config = make_config(kind, n_timesteps=2560)
        runs = {
            name: lambda name=name: run_trial(config, folder / name) for name in ("whole", "killed")
        }
    began = time.monotonic()
    finish(runs["whole"])
    took = time.monotonic() - began
    print(kill_and_finish(runs["killed"], took / 8, random.Random(seed)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
