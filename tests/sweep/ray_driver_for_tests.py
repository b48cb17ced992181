"""A driver of a Ray cluster of its own: `ray_driver_for_tests.py FOLDER ATTEMPT SEEDS OPTIONS`."""

import json
import sys

import attempts_for_tests as attempts

from rl_attention.sweep.on_ray import RayExecutor

if __name__ == "__main__":
    folder, name, seeds, options = sys.argv[1:]
    trials = attempts.make_trials(folder, json.loads(seeds))
    notes = attempts.Notes()
    executor = RayExecutor(attempt=getattr(attempts, name), **json.loads(options))
    outcomes = executor.run(trials, notes)
    assert [outcome.trial for outcome in outcomes] == trials
    assert sorted(notes.began) == sorted(trial.name for trial in trials)
    print(json.dumps([outcome.error for outcome in outcomes]))
