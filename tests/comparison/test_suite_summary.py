import json
from dataclasses import replace
from pathlib import Path

import pytest
from suites_for_tests import BAD, GOOD, RUN, arm, large_suite, outcome

from rl_attention.comparison.suite import summarise_suite
from rl_attention.errors import UserError


def summary_of(*runs, **options):
    return summarise_suite([run for part in runs for run in part], **options)


def doorkey(summary, name):
    return summary.tasks["doorkey"].arms[name]


def test_the_order_of_the_runs_changes_nothing():
    runs = large_suite(3, 3, 3)
    assert summarise_suite(runs).to_dict() == summarise_suite(runs[::-1]).to_dict()


def test_another_arm_leaves_the_numbers_of_the_others_as_they_are():
    two = summary_of(arm("attention", GOOD), arm("mlp", BAD))
    three = summary_of(arm("attention", GOOD), arm("mlp", BAD), arm("cnn", BAD))
    assert doorkey(two, "mlp") == doorkey(three, "mlp")
    assert two.aggregate.rows[0] == three.aggregate.rows[0]


def test_json_is_plain_and_leaves_the_runs_out():
    summary = summary_of(arm("attention", GOOD), arm("mlp", [0.5]))
    data = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert "runs" not in data
    assert data["tasks"]["doorkey"]["arms"]["mlp"]["success_iqm"] == {
        "value": 0.5,
        "interval": None,
    }
    assert data["level"] == 0.95


def test_a_number_that_stands_in_two_places_is_the_same_in_both():
    summary = summary_of(arm("attention", [0.11, 0.57, 0.83, 0.92, 0.35]), arm("mlp", BAD))
    for row in summary.tasks["doorkey"].comparison.rows:
        assert row.iqm_interval == doorkey(summary, row.arm).success_iqm.interval


def test_a_win_and_a_loss_are_told_in_the_same_words():
    win = summary_of(arm("attention", GOOD), arm("mlp", BAD))
    loss = summary_of(arm("attention", BAD), arm("mlp", GOOD))
    assert win.aggregate.versus[0].verdict == "attention is better"
    assert loss.aggregate.versus[0].verdict == "mlp is better"
    assert loss.tasks["doorkey"].comparison.versus[0].verdict == "mlp is better"


def test_equal_scores_are_never_called_better():
    summary = summary_of(arm("attention", GOOD), arm("mlp", GOOD))
    (versus,) = summary.aggregate.versus
    assert versus.verdict == "no difference shown"
    assert versus.difference.value == 0
    assert versus.probability.value == 0.5


def test_frames_and_seconds_to_95_by_hand():
    curve = [[100, 0.2], [400, 0.94], [600, 0.95], [1000, 1.0]]
    runs = [
        *arm("mlp", [1.0], curve=curve, fps=100.0),
        replace(arm("mlp", [1.0, 1.0])[1], curve=[[300, 0.96]], fps=200.0),
        replace(arm("mlp", [1.0] * 3)[2], curve=[[300, 0.9]]),
    ]
    found = doorkey(summarise_suite(runs), "mlp")
    # 600, 300 and never; 6 s, 1.5 s and never
    assert (found.frames_to_95.median, found.frames_to_95.n_reached) == (600, 2)
    assert found.frames_to_95.share == pytest.approx(2 / 3)
    assert found.seconds_to_95.median == 6
    assert found.frames_to_95.interval == (300, None)
    assert found.seconds_to_95.interval == (1.5, None)


def test_most_seeds_that_never_got_there_have_no_median():
    runs = arm("mlp", [1.0] * 3)
    runs[0] = replace(runs[0], frames_to_90=70)
    reached = doorkey(summarise_suite(runs), "mlp").frames_to_90
    assert (reached.median, reached.n_reached) == (None, 1)


def test_a_run_without_a_curve_never_got_there():
    found = doorkey(summarise_suite(arm("mlp", [1.0], curve=[])), "mlp")
    assert found.frames_to_95.n_reached == 0


def test_gaps_are_paired_within_a_seed():
    runs = arm("mlp", [0.9, 0.6])
    runs[0] = replace(runs[0], zero_shot={"bigger": outcome(0.5, 0.2), "shuffled": None})
    runs[1] = replace(runs[1], zero_shot={"bigger": outcome(0.6, 0.4), "shuffled": None})
    found = doorkey(summarise_suite(runs), "mlp").zero_shot
    assert found["shuffled"] is None
    bigger = found["bigger"]
    assert bigger.seeds == [0, 1]
    assert bigger.success_rate.value == pytest.approx(0.55)
    assert bigger.mean_reward.value == pytest.approx(0.3)
    assert bigger.gap.value == pytest.approx((0.4 + 0.0) / 2)
    assert bigger.gap.interval == pytest.approx((0.0, 0.4))


def test_means_and_operations():
    runs = arm("mlp", [0.4, 0.8], operations=100)
    runs[1] = replace(runs[1], operations=300, mean_reward=0.8, fps=300.0)
    found = doorkey(summarise_suite(runs), "mlp")
    assert found.mean_reward.value == pytest.approx(0.6)
    assert found.reward_std == pytest.approx(0.4 / 2**0.5)
    assert found.episode_std == pytest.approx(0.1)
    assert (found.operations, found.fps) == (200, 200)
    runs[1] = replace(runs[1], operations=None)
    assert doorkey(summarise_suite(runs), "mlp").operations is None


def test_the_baseline_is_mlp_or_the_last_or_the_one_named():
    runs = [*arm("mlp", GOOD), *arm("uniform", BAD), *arm("attention", BAD)]
    assert summarise_suite(runs).baseline == "mlp"
    assert summarise_suite(runs[5:]).baseline == "uniform"
    assert summarise_suite(runs, baseline="attention").baseline == "attention"
    with pytest.raises(UserError, match="baseline: expected one of attention, mlp, uniform, got"):
        summarise_suite(runs, baseline="cnn")


def test_arms_are_aggregated_over_the_tasks_that_they_share_with_the_baseline():
    other = {"task": "other", "env": "Other-v0"}
    summary = summary_of(
        arm("attention", GOOD),
        arm("mlp", BAD),
        arm("attention", BAD, **other),
        arm("cnn", GOOD, **other),
    )
    assert [(row.arm, row.tasks) for row in summary.aggregate.rows] == [
        ("attention", ["doorkey"]),
        ("mlp", ["doorkey"]),
    ]
    assert summary.tasks["other"].comparison.baseline == "cnn"
    assert any("no run of mlp" in line for line in summary.warnings)
    assert any("do not have the same arms" in line for line in summary.warnings)


def test_attention_is_held_against_the_best_of_the_controls():
    other = {"task": "other", "env": "Other-v0"}
    summary = summary_of(
        *(arm("attention", GOOD), arm("mlp", BAD), arm("cnn", GOOD)),
        *(arm("attention", GOOD, **other), arm("mlp", GOOD, **other), arm("cnn", BAD, **other)),
    )
    versus = summary.aggregate.versus[-1]
    assert (versus.arm, versus.baseline) == ("attention", "best of mlp, cnn")
    assert versus.difference.value == 0
    assert summary.aggregate.rows[-1].mean.value == pytest.approx(sum(GOOD) / 5)


def test_arms_are_known_by_their_settings_not_by_their_names():
    def named(name, kind, rates):
        runs = arm(name, rates)
        return [replace(run, settings={**run.settings, "arm": kind}) for run in runs]

    summary = summary_of(
        named("ours", "attention", GOOD), named("small", "mlp", BAD), named("maps", "cnn", BAD)
    )
    assert summary.aggregate.versus[-1].baseline == "best of small, maps"


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"n_timesteps": 7}, "number of frames"),
        ({"parameters": 1051}, "parameter counts differ by more than 5 %: attention 1,051"),
        ({"versions": {"numpy": "2.1"}}, r"different versions of numpy \(2.0, 2.1\)"),
        ({"versions": {}, "entity_overflow": 2}, "10 entities did not fit"),
    ],
)
def test_a_reader_is_warned(changes, warning):
    summary = summary_of(arm("attention", GOOD, **changes), arm("mlp", BAD))
    with pytest.raises(AssertionError, match=warning):
        assert not summary.warnings


def test_frames_to_a_peak_that_did_not_last_are_told():
    lasting = arm("attention", GOOD, frames_to_90=640)
    lost, never = arm("mlp", BAD, frames_to_90=640)[:2], arm("mlp", BAD)[2:]
    (line,) = summary_of(lasting, lost + never).warnings
    assert line.startswith("doorkey: 90 % in training and below 85 % in the evaluation: mlp 2 of 5")


def test_five_equal_seeds_need_no_warning():
    assert summary_of(arm("attention", GOOD, parameters=1049), arm("mlp", BAD)).warnings == []


def test_few_and_unequal_seeds_are_told():
    warnings = summary_of(arm("attention", GOOD), arm("mlp", BAD[:4])).warnings
    assert any("only 4 seeds in an arm" in line for line in warnings)
    assert "doorkey: fewer than 5 seeds in: mlp" in warnings
    assert any(line.endswith("attention 5, mlp 4") for line in warnings)  # one cut in each
    warnings = summary_of(arm("attention", GOOD), arm("mlp", BAD[:3])).warnings
    told = "attention 5, mlp 3; IQM leaves out, at each end, 1 of 5, none of 3"
    assert any(line.endswith(told) for line in warnings)


@pytest.mark.parametrize("change", [{"arm": "flat"}, {"env": {"view": "pixels"}}])
def test_flat_and_pixels_may_have_other_sizes(change):
    runs = arm("wide", GOOD, parameters=9000)
    runs = [replace(run, settings={**run.settings, **change}) for run in runs]
    assert summary_of(runs, arm("mlp", BAD)).warnings == []


def test_runs_of_an_arm_that_differ_in_more_than_the_seed_are_told():
    runs = arm("mlp", GOOD)
    runs[0] = replace(runs[0], settings={**runs[0].settings, "net_arch": [64]})
    assert summarise_suite(runs).warnings == [
        "doorkey: the runs of mlp differ in more than the seed: net_arch"
    ]


def test_settings_that_differ_are_named_with_who_has_them():
    found = summary_of(arm("attention", GOOD), arm("mlp", BAD)).settings
    told = [(setting.key, setting.value, setting.runs) for setting in found]
    assert told == [
        ("arm", "attention", "attention"),
        ("arm", "mlp", "mlp"),
        ("env.id", "MiniGrid-DoorKey-5x5-v0", "all"),
        ("env.view", "entities", "all"),
        ("label", "None", "all"),
    ]


def test_a_folder_and_a_kept_file_of_the_same_run_are_one(tmp_path):
    (run,) = arm("attention", [0.5], path=tmp_path, task=RUN.env)
    kept = replace(run, path=tmp_path / "a.result.json", task="named")
    for entries in ([run, kept], [kept, run]):
        (single,) = summarise_suite(entries).runs
        assert (single.task, single.path) == ("named", tmp_path)


def test_files_of_old_without_settings_are_known_by_all_they_hold():
    old = replace(RUN, path=Path("a"))
    assert len(summarise_suite([old, replace(old, path=Path("b"))]).runs) == 1
    with pytest.raises(UserError, match="a and b: expected one run of task doorkey, arm mlp"):
        summarise_suite([old, replace(old, path=Path("b"), fps=7.0)])


@pytest.mark.parametrize(
    ("learned", "algo", "named"),
    [
        ({"imitation": {"method": "dagger"}}, "ppo", "ppo and dagger"),
        ({"init": {"path": "there"}}, "ppo", "ppo and ppo from other weights"),
        ({}, "dqn", "ppo and dqn"),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_runs_that_learned_in_different_ways_are_no_seeds_of_one_arm(learned, algo, named, seed):
    (run,) = arm("mlp", [0.5], path=Path("a"))
    settings = {**run.settings, **learned}
    other = replace(run, path=Path("b"), seed=seed, algo=algo, settings=settings)
    with pytest.raises(UserError, match=f"one way of learning .* got {named}; .*--label"):
        summarise_suite([run, other])
    assert len(summarise_suite([run, replace(other, arm="mlp-tuned")]).runs) == 2


def test_runs_that_contradict_each_other_are_refused():
    (run,) = arm("mlp", [0.5], path=Path("a"))
    other = replace(run, path=Path("b"))
    with pytest.raises(UserError, match="a and b: expected the same results of the same settings"):
        summarise_suite([run, replace(other, mean_reward=0.9)])
    changed = replace(other, settings={**run.settings, "net_arch": [64]})
    with pytest.raises(UserError, match="a and b: expected one run of task doorkey, arm mlp"):
        summarise_suite([run, changed])
    kept = [replace(run, path=Path(f"{t}.result.json"), task=t) for t in ("x", "y")]
    with pytest.raises(UserError, match="expected one task, got the same run as x and as y"):
        summarise_suite(kept)
    with pytest.raises(UserError, match="expected one environment in task doorkey, got"):
        summarise_suite([run, replace(other, seed=1, env="Other-v0")])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": 0.0}, "fps: expected at least 0.001, got 0.0"),
        ({"curve": [[-1, 0.5]]}, "curve: expected frames from 0"),
        ({"curve": [[1, 1.5]]}, "curve: expected frames from 0"),
    ],
)
def test_numbers_that_cannot_be_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        summarise_suite([replace(RUN, **changes)])
    with pytest.raises(UserError, match="at least one"):
        summarise_suite([])


def test_settings_that_nest_or_swell_are_refused():
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    for settings in (deep, {str(i): i for i in range(1001)}):
        with pytest.raises(UserError, match="settings: expected at most"):
            summarise_suite([replace(RUN, settings=settings)])
    while deep:  # Python would free it recursively
        deep = deep["a"]


def test_the_metric_can_be_the_return():
    runs = [*arm("attention", GOOD, mean_reward=3.0), *arm("mlp", BAD, mean_reward=-1.0)]
    summary = summarise_suite(runs, metric="mean_reward")
    assert summary.aggregate.versus[0].difference.value == 4
    assert (summary.aggregate.thresholds[0], summary.aggregate.thresholds[-1]) == (-1, 3)
    assert summary.aggregate.profiles[0].shares[0] == 1
