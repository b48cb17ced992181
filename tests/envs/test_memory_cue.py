"""MiniGrid's Memory from the cue on."""

import subprocess
import sys

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import numpy as np
import pytest

from rl_attention_envs import choose_backend, list_environments, make_probes, make_vec_env
from rl_attention_envs.backends.gymnasium import RawMiniGrid
from rl_attention_envs.memory_cue import PRESETS
from rl_attention_envs.symbols import OBJECTS
from rl_attention_envs.wrappers import ViewObservation

LEFT, RIGHT, FORWARD = range(3)
KEY, BALL = OBJECTS.index("key"), OBJECTS.index("ball")


def memory_of(env_id):
    return env_id.replace("MemoryCue-S", "MiniGrid-MemoryS")


@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("env_id", PRESETS)
def test_it_is_memory_begun_beside_the_cue(env_id, size):
    settings = {"agent_view_size": size}
    cue, memory = RawMiniGrid(env_id, settings), RawMiniGrid(memory_of(env_id), settings)
    assert cue.observation_space == memory.observation_space
    rng, kinds, ended = np.random.default_rng(0), set(), 0
    for seed in range(8):
        begun, _ = cue.reset(seed=seed)
        memory.reset(seed=seed)
        assert memory.grid_env.agent_dir == cue.grid_env.agent_dir == 0
        memory.grid_env.agent_pos = np.array((1, PRESETS[env_id] // 2))
        np.testing.assert_equal(begun, memory.observe())
        # bottom row, one to the left of the agent
        kinds.add(int(begun["image"][size // 2 - 1, size - 1, 0]))
        for action in rng.integers(7, size=60):
            one, other = cue.step(action), memory.step(action)
            np.testing.assert_equal(one, other)
            if one[2] or one[3]:
                ended += 1
                break
    assert kinds == {KEY, BALL}
    assert cue.grid_env.max_steps == memory.grid_env.max_steps


def play(env, turn):
    """Walk to the split, turn, and walk on; return what the last step gives."""
    plan = [FORWARD] * (env.grid_env.width - 3) + [turn, FORWARD]
    for action in plan[:-1]:
        _, reward, terminated, truncated, _ = env.step(action)
        assert (reward, terminated, truncated) == (0, False, False)
    return env.step(plan[-1])


@pytest.mark.parametrize("env_id", PRESETS)
def test_who_remembers_the_cue_solves_it_and_the_other_way_fails(env_id):
    env = RawMiniGrid(env_id, {"agent_view_size": 3})
    ways = set()
    for seed in range(20):
        first, _ = env.reset(seed=seed)
        cue = first["image"][0, 2, 0]
        grid_env = env.grid_env
        end, middle = grid_env.width - 2, grid_env.height // 2
        above = OBJECTS.index(grid_env.grid.get(end, middle - 2).type)
        turn = LEFT if above == cue else RIGHT
        ways.add(turn)
        *_, reward, terminated, truncated, info = play(env, turn)
        assert terminated
        assert not truncated
        assert reward > 0.9
        assert info["is_success"]
        env.reset(seed=seed)
        *_, reward, terminated, _, info = play(env, LEFT + RIGHT - turn)
        assert terminated
        assert reward == 0
        assert info["is_success"] is False
    assert ways == {LEFT, RIGHT}


@pytest.mark.parametrize("env_id", PRESETS)
def test_with_a_small_view_the_cue_is_out_of_sight_until_the_end(env_id):
    venv = make_vec_env(env_id, n_envs=8, agent_view_size=3)
    shown = venv.reset()
    assert (shown["mask"].sum(axis=1) == 1).all()
    assert shown["entities"][:, 0, 3:].tolist() == [[-1, 0]] * 8
    assert set(shown["entities"][:, 0, 0].tolist()) == {KEY, BALL}
    for _ in range(PRESETS[env_id] - 4):
        shown, *_ = venv.step(np.full(8, FORWARD))
        assert not shown["mask"].any()


def test_views_backends_and_names_are_those_of_minigrid():
    listed = {info.env_id: info for info in list_environments()}
    for env_id in PRESETS:
        assert listed[env_id].backends == ("gymnasium",)
        assert listed[env_id].family == "MemoryCue"
        assert listed[env_id].words == 16
        assert choose_backend(env_id).name == "gymnasium"
        for view in ("entities", "cells", "pixels", "flat"):
            one, other = (
                make_vec_env(name, view=view, backend="gymnasium")
                for name in (env_id, memory_of(env_id))
            )
            assert one.observation_space == other.observation_space
    probes = make_probes("MemoryCue-S9-v0", n_probes=4, agent_view_size=3)
    assert {"green key", "green ball"} <= set(probes["labels"].ravel().tolist())


def test_a_plain_environment_is_made_by_its_id_and_shown_through_a_view():
    env = gymnasium.make("rl_attention_envs:MemoryCue-S7-v0", agent_view_size=3)
    shown, _ = ViewObservation(env, view="cells").reset(seed=0)
    assert shown["cells"].shape == (3, 3, 3)
    assert shown["cells"][2, 0, 0] in (KEY, BALL)


@pytest.mark.slow
def test_worker_processes_know_the_ids():
    code = (
        "from rl_attention_envs import make_vec_env\n"
        "if __name__ == '__main__':\n"
        "    venv = make_vec_env('MemoryCue-S7-v0', vec_env='subproc', agent_view_size=3)\n"
        "    print(venv.reset()['seen'].shape)\n"
        "    venv.close()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(1, 9)"
