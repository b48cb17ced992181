import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from rl_attention.comparison import Interval, RunResult, compare
from rl_attention.comparison.summary import judge
from rl_attention.comparison.table import render_table
from rl_attention.errors import UserError

RUN = RunResult(
    env="E",
    arm="attention",
    algo="ppo",
    seed=0,
    n_timesteps=100,
    n_eval_episodes=10,
    success_rate=1.0,
    mean_reward=0.9,
    frames_to_90=50,
    parameters=1234,
    fps=1000.0,
)


def runs(arm, rates, **changes):
    return [
        replace(RUN, arm=arm, seed=seed, success_rate=rate, **changes)
        for seed, rate in enumerate(rates)
    ]


def text_of(comparison):
    console = Console(file=StringIO(), width=140)
    console.print(render_table(comparison))
    return console.file.getvalue()


GOOD, BAD = [0.9, 0.92, 0.95, 0.97, 1.0], [0.0, 0.1, 0.1, 0.2, 0.3]


def test_a_win_and_a_loss_are_reported_in_the_same_words():
    win = compare(runs("new", GOOD) + runs("old", BAD), baseline="old")
    loss = compare(runs("new", BAD) + runs("old", GOOD), baseline="old")
    assert win.versus[0].verdict == "new is better"
    assert loss.versus[0].verdict == "old is better"
    assert win.versus[0].difference == pytest.approx(-loss.versus[0].difference)


@pytest.mark.parametrize("rates", [GOOD, [0.5, 0.9, 1.0, 0.2, 0.7], [1.0] * 5])
def test_equal_scores_are_never_called_better(rates):
    comparison = compare(runs("a", rates) + runs("b", rates))
    assert comparison.versus[0].verdict == "no difference shown"
    assert comparison.rows[0].probability_of_improvement == 0.5
    assert "better" not in text_of(comparison)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        (Interval(0.1, 0.2), "a is better"),
        (Interval(-0.2, -0.1), "b is better"),
        (Interval(0.0, 0.2), "no difference shown"),
        (Interval(-0.1, 0.2), "no difference shown"),
        (None, "no difference shown"),
    ],
)
def test_the_word_better_needs_an_interval_without_zero(interval, verdict):
    assert judge("a", "b", interval) == verdict


def test_rows_hold_what_the_runs_say():
    comparison = compare(
        [
            replace(RUN, seed=0, success_rate=0.5, mean_reward=0.4, frames_to_90=None, fps=10.0),
            replace(RUN, seed=1, success_rate=1.0, mean_reward=0.8, frames_to_90=80, fps=30.0),
            replace(RUN, seed=2, success_rate=0.9, mean_reward=0.6, frames_to_90=60, fps=20.0),
        ]
    )
    (row,) = comparison.rows
    assert row.seeds == [0, 1, 2]
    assert row.success_rate == pytest.approx(0.8)
    assert row.mean_reward == pytest.approx(0.6)
    assert (row.frames_to_90, row.n_reached) == (80, 2)
    assert row.fps == 20
    assert row.parameters == 1234
    assert row.probability_of_improvement is None
    assert "80 (2/3)" in text_of(comparison)


def test_the_metric_can_be_chosen():
    comparison = compare(runs("a", GOOD), metric="mean_reward")
    assert comparison.rows[0].iqm == pytest.approx(0.9)
    assert "IQM return" in text_of(comparison)


def test_the_same_runs_give_the_same_table():
    both = runs("a", GOOD) + runs("b", BAD)
    assert compare(both) == compare(both)


def test_json_is_plain():
    comparison = compare(runs("a", GOOD) + runs("b", [0.5]))
    data = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert data["rows"][1]["iqm_interval"] is None
    assert len(data["rows"][0]["iqm_interval"]) == 2
    assert data["versus"][0]["arm"] == "a"


@pytest.mark.parametrize(
    ("given_runs", "warning"),
    [
        (runs("a", [1.0] * 4), "only 4 seeds"),
        (runs("a", [1.0]), "only 1 seed in"),
        (runs("a", GOOD) + runs("b", GOOD)[1:], "same seeds"),
        (runs("a", GOOD) + runs("b", GOOD, n_timesteps=7), "number of frames"),
        (runs("a", GOOD) + runs("b", GOOD, n_eval_episodes=7), "number of episodes"),
    ],
)
def test_a_reader_is_warned(given_runs, warning):
    assert any(warning in line for line in compare(given_runs).warnings)


def test_five_like_seeds_need_no_warning():
    assert compare(runs("a", GOOD) + runs("b", BAD)).warnings == []


def test_user_errors():
    with pytest.raises(UserError, match="at least one"):
        compare([])
    with pytest.raises(UserError, match="one environment"):
        compare([RUN, replace(RUN, env="F")])
    with pytest.raises(UserError, match="baseline: expected one of attention"):
        compare([RUN], baseline="mlp")


def test_the_last_arm_is_the_baseline_unless_another_is_named():
    both = runs("a", GOOD) + runs("b", BAD)
    assert compare(both).baseline == "b"
    assert compare(both, baseline="a").baseline == "a"


def test_dropped_entities_are_never_silent():
    dropped = runs("a", GOOD, entity_overflow=3) + runs("b", BAD)
    assert (
        "15 entities did not fit in training; raise env.max_entities" in compare(dropped).warnings
    )
