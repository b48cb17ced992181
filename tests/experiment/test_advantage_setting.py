"""The setting `advantage_floor`: a run scales its advantages once, and not without being asked."""

import pytest
from runs_for_tests import make_config
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention.errors import UserError
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model
from rl_attention.experiment.training import run_trial


@pytest.mark.parametrize("kind", ["ppo", "ppo-windows", "ppo_lstm"])
@pytest.mark.parametrize("floor", [0.0, 0.01])
def test_who_scales(kind, floor):
    config = make_config(kind, hyperparams={"advantage_floor": floor})
    env = build_env(config)
    try:
        assert build_model(config, env).normalize_advantage is (floor == 0.0)
    finally:
        env.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run with no floor, one whose floor nothing reaches."""
    found = {}
    for floor in (0.0, 1e6):
        settings = {"advantage_floor": floor, "ent_coef": 0.0}
        config = make_config("ppo", hyperparams=settings, checkpoint={"every": 0})
        found[floor] = tmp_path_factory.mktemp("run") / "run"
        run_trial(config, found[floor])
    return found


def action_head(folder):
    return load_file(folder / "policy.safetensors")["action_net.weight"]


def test_below_the_floor_the_policy_hardly_moves(runs):
    # it started with a gain of 0.01
    assert action_head(runs[0.0]).abs().max() > 5 * action_head(runs[1e6]).abs().max()


def test_the_deviation_is_in_tensorboard(runs):
    tags = {}
    for floor, folder in runs.items():
        events = EventAccumulator(str(folder / "tensorboard"))
        events.Reload()
        tags[floor] = events.Tags()["scalars"]
    assert "train/advantage_std" in tags[1e6]
    assert "train/advantage_std" not in tags[0.0]


def test_what_is_not_scaled_has_no_floor():
    with pytest.raises(UserError, match=r"advantage_floor: expected 0 with normalize"):
        make_config("ppo", hyperparams={"advantage_floor": 0.01, "normalize_advantage": False})
    with pytest.raises(UserError, match="advantage_floor"):
        make_config("dqn", hyperparams={"advantage_floor": 0.01})
