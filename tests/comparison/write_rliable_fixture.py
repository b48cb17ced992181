"""Write rliable_fixture.json: scores and what rliable's definitions make of them.

rliable (github.com/google-research/rliable, archived) does not import beside current packages, so
its formulas are written down here once more, on its own layout: a matrix of runs by tasks. Nothing
of rl_attention is used.

    python tests/comparison/write_rliable_fixture.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu, trim_mean

PATH = Path(__file__).with_name("rliable_fixture.json")
N_SEEDS = 5
TASKS = ("doors", "keys", "rooms")
THRESHOLDS = (0.0, 0.25, 0.5, 0.75, 1.0)


def aggregates(scores):
    return {
        "iqm": trim_mean(scores, 0.25, axis=None),
        "mean": np.mean(scores),
        "median": np.median(np.mean(scores, axis=0)),
        "optimality_gap": 1.0 - np.mean(np.minimum(scores, 1.0)),
        "optimality_gap_at_half": 0.5 - np.mean(np.minimum(scores, 0.5)),
        "profile": [np.mean(scores > tau) for tau in THRESHOLDS],
    }


def probability_of_improvement(x, y):
    chances = []
    for task in range(x.shape[1]):
        u = mannwhitneyu(x[:, task], y[:, task], alternative="greater").statistic
        chances.append(u / (x.shape[0] * y.shape[0]))
    return np.mean(chances)


def make():
    rng = np.random.default_rng(20210830)
    # one decimal: some runs tie; above one: the optimality gap has something to cut
    arms = {
        name: np.round(rng.uniform(low, 1.3, size=(N_SEEDS, len(TASKS))), 1)
        for name, low in (("x", 0.2), ("y", 0.0))
    }
    return {
        "thresholds": THRESHOLDS,
        "scores": {name: dict(zip(TASKS, arms[name].T.tolist(), strict=True)) for name in arms},
        "aggregates": {name: aggregates(scores) for name, scores in arms.items()},
        "probability_of_improvement": probability_of_improvement(arms["x"], arms["y"]),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(make(), indent=2) + "\n", encoding="utf-8")
