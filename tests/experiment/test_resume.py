import json
import shutil
import warnings

import numpy as np
import pytest
import torch
from runs_for_tests import KINDS, assert_same_run, make_config
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import unwrap_vec_normalize
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention.checkpoints import CheckpointError, CheckpointStore
from rl_attention.checkpoints.training import read_training
from rl_attention.errors import UserError
from rl_attention.experiment import outcome, training
from rl_attention.experiment.interruption import RunInterrupted
from rl_attention.experiment.loading import load_policy
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.experiment.training import run_trial

pytestmark = pytest.mark.filterwarnings("ignore:.* ended no episode between two checkpoints")


class PowerCut(BaseException):
    """Nothing that the code under test knows how to handle."""


class Cut(BaseCallback):
    """Ends the training at some step, before a rollout or within one."""

    def __init__(self, step, *, error=PowerCut):
        super().__init__()
        self.step = step
        self.error = error

    def _on_step(self):
        if self.num_timesteps >= self.step:
            raise self.error
        return True


class Count(BaseCallback):
    """Notes every step that is trained."""

    def __init__(self):
        super().__init__()
        self.frames = []

    def _on_step(self):
        self.frames.append(self.num_timesteps)
        return True


@pytest.fixture
def run_with(monkeypatch):
    """Run a config with one more callback."""
    make = training._make_callbacks

    def run(config, folder, callback):
        with monkeypatch.context() as patch:
            patch.setattr(training, "_make_callbacks", lambda *a: [*make(*a), callback])
            return run_trial(config, folder)

    return run


@pytest.fixture
def cut(run_with):
    """Run a config until some step, and leave the folder as it is then."""

    def run(config, folder, step):
        with pytest.raises(PowerCut):
            run_with(config, folder, Cut(step))

    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Uninterrupted runs, made once for each kind."""
    made = {}

    def find(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            made[kind] = folder, run_trial(make_config(kind), folder)
        return made[kind]

    return find


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_ends_as_the_uninterrupted_one(kind, whole, cut, tmp_path):
    config = make_config(kind)
    for step in (150, 300, 500):
        cut(config, tmp_path, step)
    results = run_trial(config, tmp_path)
    folder, expected = whole(kind)
    assert_same_run(tmp_path, folder)
    timeless = {"fps": 0, "wall_time_s": 0}
    assert {**results.to_dict(), **timeless} == {**expected.to_dict(), **timeless}


def test_what_was_trained_before_a_checkpoint_is_not_trained_again(cut, run_with, tmp_path):
    config = make_config("ppo")
    cut(config, tmp_path, 300)
    count = Count()
    run_with(config, tmp_path, count)
    assert count.frames == list(range(260, 641, 4))


def test_tensorboard_shows_every_step_once(whole, cut, tmp_path):
    def read(folder):
        reader = EventAccumulator(str(RunFolder(folder).tensorboard), {"images": 0, "scalars": 0})
        reader.Reload()
        tags = reader.Tags()
        points = {
            tag: [(event.step, event.value) for event in reader.Scalars(tag)]
            for tag in tags["scalars"]
            if tag != "time/fps"
        }
        steps = {tag: [event.step for event in reader.Images(tag)] for tag in tags["images"]}
        return points, steps

    config = make_config("ppo-maps")
    for step in (150, 300, 500):
        cut(config, tmp_path, step)
    run_trial(config, tmp_path)
    points, steps = read(tmp_path)
    assert len(points) > 10
    assert steps
    assert (points, steps) == read(whole("ppo-maps")[0])


def test_a_cut_before_the_first_checkpoint_starts_over(whole, cut, tmp_path):
    cut(make_config("ppo"), tmp_path, 100)
    run_trial(make_config("ppo"), tmp_path)
    assert_same_run(tmp_path, whole("ppo")[0])


def test_an_evaluation_that_was_cut_off_is_done_alone(whole, run_with, tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise PowerCut

    config = make_config("ppo")
    with monkeypatch.context() as patch:
        patch.setattr(outcome, "evaluate", stop)
        with pytest.raises(PowerCut):
            run_trial(config, tmp_path)
    count = Count()
    results = run_with(config, tmp_path, count)
    assert count.frames == []
    folder, expected = whole("ppo")
    assert_same_run(tmp_path, folder)
    assert results.episode_returns == expected.episode_returns


def test_ctrl_c_says_where_the_same_command_goes_on(run_with, tmp_path):
    with pytest.raises(RunInterrupted, match=r"the same command goes on from frame 256\."):
        run_with(make_config("ppo"), tmp_path, Cut(300, error=KeyboardInterrupt))


def test_a_torn_checkpoint_is_passed_over(whole, cut, tmp_path):
    config = make_config("ppo")
    cut(config, tmp_path, 300)
    newest = max(RunFolder(tmp_path).checkpoints.iterdir())
    (newest / "tensors.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match=newest.name):
        run_trial(config, tmp_path)
    assert_same_run(tmp_path, whole("ppo")[0])


def test_without_any_whole_checkpoint_nothing_is_guessed(cut, tmp_path):
    config = make_config("ppo")
    cut(config, tmp_path, 300)
    for folder in RunFolder(tmp_path).checkpoints.iterdir():
        (folder / "state.json").unlink()
    with pytest.raises(CheckpointError, match=r"state\.json"):
        run_trial(config, tmp_path)


def test_another_machine_is_named_once(cut, tmp_path):
    config = make_config("ppo", num_threads=None)
    cut(config, tmp_path, 300)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run_trial(config, tmp_path)
    finally:
        torch.set_num_threads(threads)
    told = [str(one.message) for one in caught if "not bitwise" in str(one.message)]
    assert told == [f"resumed, but not bitwise: threads was {threads}, is {threads + 1}"]


def test_a_finished_run_keeps_the_last_and_the_best(whole):
    folder, _ = whole("ppo")
    kept = sorted(path.name for path in RunFolder(folder).checkpoints.iterdir())
    assert kept[-1] == "step_000000000640"
    assert 1 <= len(kept) <= 3
    scores = [
        json.loads((RunFolder(folder).checkpoints / name / "manifest.json").read_text())["score"]
        for name in kept
    ]
    assert all(0 <= score <= 1 for score in scores)


def test_the_best_checkpoint_can_be_loaded(whole, cut, tmp_path):
    folder, _ = whole("ppo-normalized")
    store = CheckpointStore(RunFolder(folder).checkpoints)
    state = read_training(store.best())["model"]
    loaded = load_policy(folder, best=True)
    for name, tensor in loaded.model.policy.state_dict().items():
        assert torch.equal(tensor, state["parameters"]["policy"][name])
    mean = unwrap_vec_normalize(loaded.env).obs_rms.mean
    assert np.array_equal(mean, state["normalization"]["observation/"][0])
    loaded.env.close()
    # a run that is not finished has a best one too
    config = make_config("ppo")
    cut(config, tmp_path, 300)
    load_policy(tmp_path, best=True).env.close()
    with pytest.raises(UserError, match="not finished"):
        load_policy(tmp_path)
    for checkpoint in RunFolder(tmp_path).checkpoints.iterdir():
        shutil.rmtree(checkpoint)
    with pytest.raises(UserError, match="no checkpoint"):
        load_policy(tmp_path, best=True)


def test_inexact_checkpoints_cut_nothing_off(tmp_path):
    plain = make_config("ppo", checkpoint={"every": 0})
    loose = make_config("ppo", checkpoint={"exact": False})
    run_trial(plain, tmp_path / "plain")
    run_trial(loose, tmp_path / "loose")
    assert_same_run(tmp_path / "plain", tmp_path / "loose")
    exact = make_config("ppo")
    run_trial(exact, tmp_path / "exact")
    with pytest.raises(AssertionError):
        assert_same_run(tmp_path / "plain", tmp_path / "exact")


def test_episodes_longer_than_the_time_between_checkpoints_are_named(tmp_path):
    with pytest.warns(UserWarning, match="4 environments ended no episode between") as caught:
        run_trial(make_config("ppo"), tmp_path)
    assert len(caught) == 1


def test_an_inexact_run_goes_on_too(cut, tmp_path):
    config = make_config("ppo", checkpoint={"exact": False})
    cut(config, tmp_path, 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run_trial(config, tmp_path).frames == 640
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == sorted(set(steps))
    assert steps[-1] == 640


def test_a_checkpoint_that_cannot_be_written_ends_the_run(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    config = make_config("ppo")
    with monkeypatch.context() as patch:
        patch.setattr("rl_attention.checkpoints.training.save", full)
        with pytest.raises(UserError, match="No space left on device"):
            run_trial(config, tmp_path)
    assert run_trial(config, tmp_path).frames == 640
