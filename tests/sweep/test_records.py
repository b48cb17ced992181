"""The small file of a finished trial: kept once, never run again, of this very trial or refused."""

import json
from dataclasses import replace

import pytest

from rl_attention.comparison import find_runs, read_run
from rl_attention.errors import UserError
from rl_attention.experiment.suite_config import parse_suite
from rl_attention.files import write_json
from rl_attention.sweep import Outcome, expand_suite
from rl_attention.sweep.records import RecordKeeper, find_finished, find_record, with_defaults

SUITE = {
    "arms": {"mlp": {}, "attention": {}},
    "seeds": [0, 1],
    "tasks": {
        "empty": {"env": {"id": "MiniGrid-Empty-5x5-v0"}},
        "door": {"env": {"id": "MiniGrid-DoorKey-5x5-v0"}},
    },
}


class Listener:
    def __init__(self):
        self.heard = []

    def started(self, trial):
        self.heard.append(("started", trial))

    def progressed(self, trial, progress):
        self.heard.append(("progressed", trial))

    def ended(self, outcome):
        self.heard.append(("ended", outcome.trial))


@pytest.fixture
def trials(tmp_path):
    suite = parse_suite(SUITE, name="s")
    return expand_suite(suite, tmp_path / "runs", results=tmp_path / "results")


def finish(trial, **changes):
    """Leave what a finished run leaves."""
    trial.folder.mkdir(parents=True)
    config = trial.config
    results = {
        "env": config.env.id,
        "arm": config.name,
        "algo": "ppo",
        "seed": config.seed,
        "n_timesteps": config.n_timesteps,
        "n_eval_episodes": 2,
        "success_rate": 0.5,
        "mean_reward": 0.25,
        "std_reward": 0.1,
        "episode_returns": [0.0, 0.5],
        "episode_successes": [False, True],
        "frames_to_90": None,
        "curve": [[32, 0.5]],
        "parameters": {"extractor": 1, "policy": 2},
        "fps": 10.0,
        "entity_overflow": 0,
        "versions": {"torch": "2"},
        "operations": 12,
        "zero_shot": {"bigger": None},
        "settings": config.dump(),
        **changes,
    }
    write_json(trial.folder / "results.json", results)


def test_each_trial_has_a_file_of_its_own(trials, tmp_path):
    names = [trial.record.relative_to(tmp_path / "results").as_posix() for trial in trials]
    assert names == [
        "empty/mlp_s0.result.json",
        "empty/attention_s0.result.json",
        "door/mlp_s0.result.json",
        "door/attention_s0.result.json",
        "empty/mlp_s1.result.json",
        "empty/attention_s1.result.json",
        "door/mlp_s1.result.json",
        "door/attention_s1.result.json",
    ]


def test_a_finished_run_is_kept_and_outlives_its_folder(trials, tmp_path):
    trial = trials[2]
    assert find_finished(trial) is None
    finish(trial)
    assert find_finished(trial) == trial.record
    (trial.folder / "results.json").unlink()
    assert find_finished(trial) == trial.record
    kept, run = json.loads(trial.record.read_text()), read_run(trial.record)
    assert not kept.keys() & {"episode_returns", "episode_successes"}
    assert (run.task, run.env, run.seed, run.operations) == ("door", trial.config.env.id, 0, 12)
    assert run.settings == trial.config.dump()
    assert find_runs([tmp_path / "results"]) == [trial.record]


def test_without_a_folder_for_it_nothing_is_kept(trials, tmp_path):
    trial = replace(trials[0], record=None)
    finish(trial)
    assert find_finished(trial) == trial.folder
    assert not (tmp_path / "results").exists()


def test_the_keeper_keeps_what_finished_and_passes_everything_on(trials):
    listener = Listener()
    keeper = RecordKeeper(listener)
    good, bad = trials[0], trials[1]
    finish(good)
    keeper.started(good)
    keeper.progressed(good, None)
    keeper.ended(Outcome(good, None))
    keeper.ended(Outcome(bad, "broke"))
    assert good.record.exists()
    assert not bad.record.exists()
    told = [("started", good), ("progressed", good), ("ended", good), ("ended", bad)]
    assert listener.heard == told


def test_one_that_cannot_be_kept_is_told_and_takes_no_other_with_it(trials):
    listener = Listener()
    keeper = RecordKeeper(listener)
    blocked, good = trials[0], trials[2]
    finish(blocked)
    finish(good)
    blocked.record.parent.parent.mkdir(parents=True)
    blocked.record.parent.write_text("a file in the place of a folder")
    outcomes = []
    listener.ended = outcomes.append
    keeper.ended(Outcome(blocked, None))
    keeper.ended(Outcome(good, None))
    assert "cannot be written" in outcomes[0].error
    assert outcomes[1].error is None
    assert good.record.exists()


def test_a_file_of_an_older_version_lacks_settings_that_are_at_their_defaults(trials):
    trial = trials[0]
    finish(trial)
    find_finished(trial)
    kept = json.loads(trial.record.read_text())
    del kept["settings"]["eval"]["zero_shot"]
    del kept["settings"]["net_arch"]
    write_json(trial.record, kept)
    assert find_record(trial) == trial.record
    changed = trial.config.model_copy(update={"net_arch": (32,)})
    with pytest.raises(UserError, match=r"net_arch is \[64\] there, \[32\] here"):
        find_record(replace(trial, config=changed))
    older, whole = read_run(trial.record), read_run(trial.folder)
    assert older.settings != whole.settings
    assert with_defaults(older).settings == with_defaults(whole).settings == whole.settings
    strange = replace(older, settings={"colour": "red"})
    assert with_defaults(strange) is strange


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda kept: kept["settings"]["hyperparams"].update(gamma=0.5),
            "gamma is 0.5 there, 0.99",
        ),
        (lambda kept: kept.pop("settings"), "env: required"),
        (lambda kept: kept.update(settings="!!python/object"), "expected"),
        (lambda kept: kept["settings"].update(env={"id": 5}), r"env\.id"),
        (lambda kept: kept.update(arm="attention", seed=99), "says it is of empty, .*attention"),
        (lambda kept: kept.update(task="elsewhere"), "says it is of elsewhere"),
        (lambda kept: kept.pop("fps"), "'fps'"),
    ],
)
def test_a_file_of_other_settings_is_refused_with_the_difference(trials, spoil, message):
    trial = trials[0]
    finish(trial)
    find_finished(trial)
    kept = json.loads(trial.record.read_text())
    spoil(kept)
    write_json(trial.record, kept)
    with pytest.raises(UserError, match=message) as caught:
        find_finished(trial)
    assert str(trial.record) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_place_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="it is not there"):
        find_runs([tmp_path / "none"])
    with pytest.raises(UserError, match="no finished run"):
        find_runs([tmp_path])
