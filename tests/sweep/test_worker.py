"""What a worker that serves several trials does with each."""

import os
import threading
import time

import attempts_for_tests as attempts
import pytest

from rl_attention.errors import UserError
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.sweep import worker
from rl_attention.sweep.shared_folder import judge_remote, mark_shared
from rl_attention.sweep.worker import (
    DONE,
    ELSEWHERE,
    FAILED,
    REFUSED,
    STOPPED,
    TRANSIENT,
    Job,
    attempt,
    attempt_all,
)

CONFIG = {"env": {"id": "MiniGrid-Empty-5x5-v0"}}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Attempt a run that does what it is told."""
    monkeypatch.setattr(worker, "_PAUSE_S", 0.05)
    for name in worker.THREAD_SETTINGS:
        monkeypatch.setenv(name, "1")

    def start(do, **options):
        monkeypatch.setattr("rl_attention.experiment.training.run_trial", lambda *_, **__: do())
        return attempt(Job(CONFIG, tmp_path / "E" / "run", 1, **options))

    return start


def raises(error):
    def do():
        raise error

    return do


def raises_from(error, cause):
    def do():
        raise error from cause

    return do


@pytest.mark.parametrize(
    ("do", "code", "logged"),
    [
        (lambda: print("hello"), DONE, "hello\n"),
        (lambda: os.system("echo from below"), DONE, "from below\n"),
        (raises(UserError("mine")), REFUSED, "Error: mine\n"),
        (raises_from(UserError("not written"), OSError()), TRANSIENT, "Error: not written\n"),
        (raises(OSError("blip")), TRANSIENT, "OSError: blip\n"),
        (raises(ValueError("broken")), FAILED, "ValueError: broken\n"),
        (raises(KeyboardInterrupt()), STOPPED, "Interrupted.\n"),
    ],
)
def test_how_it_ends_is_a_code_and_what_it_says_is_in_its_log(
    run, tmp_path, capfd, do, code, logged
):
    assert run(do) == code
    assert (tmp_path / "E" / "run" / "log.txt").read_text().endswith(logged)
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_a_batch_system_may_take_its_job_back(run):
    with pytest.raises(SystemExit):
        run(raises(SystemExit(1)))


def test_a_stopped_worker_begins_nothing_more():
    codes = iter([DONE, STOPPED, DONE])
    jobs = [Job({}, None, 1)] * 3
    assert attempt_all(lambda job: next(codes), jobs) == [DONE, STOPPED]


def test_a_worker_elsewhere_touches_nothing(run, tmp_path):
    shared = mark_shared(tmp_path)
    assert mark_shared(tmp_path) == shared
    assert run(lambda: None, shared=shared) == DONE
    trial = attempts.make_trials(tmp_path, [0])[0]
    for other in ((tmp_path / "none", "x"), (shared[0], "another")):
        assert run(lambda: None, shared=other) == ELSEWHERE
    assert "a worker does not see" in judge_remote(trial, ELSEWHERE).error
    assert f"{tmp_path}; expected -f/--log-folder on a file system" in (
        judge_remote(trial, ELSEWHERE).error
    )


def in_held_folder(folder):
    def do():
        with RunFolder(folder).held():
            pass

    return do


def test_whoever_is_just_dying_is_waited_for(run, tmp_path):
    folder = tmp_path / "E" / "run"
    held = threading.Event()

    def hold():
        with RunFolder(folder).held():
            held.set()
            time.sleep(1)

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    assert run(in_held_folder(folder)) == DONE
    other.join()


def test_whoever_stays_in_the_folder_is_reported_and_the_trial_may_come_again(
    run, tmp_path, monkeypatch
):
    monkeypatch.setattr(worker, "_PATIENCE_S", 0.3)
    folder = tmp_path / "E" / "run"
    with RunFolder(folder).held():
        assert run(in_held_folder(folder)) == TRANSIENT
    assert "another process is at work" in (folder / "log.txt").read_text()


def test_results_that_a_network_file_system_shows_late_are_waited_for(tmp_path):
    trial = attempts.make_trials(tmp_path, [0])[0]
    late = threading.Timer(1.0, lambda: attempts.trivial(Job({}, trial.folder, 1)))
    late.start()
    assert judge_remote(trial, DONE).error is None
    late.join()


def test_a_folder_that_cannot_be_marked_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="choose another with -f/--log-folder"):
        mark_shared(tmp_path / "file" / "below")
