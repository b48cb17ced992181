"""Which environments there are, which backend runs them, and that all of them run."""

import subprocess
import sys

import numpy as np
import pytest

from rl_attention_envs import (
    VIEWS,
    EnvironmentConfigError,
    backends,
    check_environment,
    choose_backend,
    list_environments,
    make_vec_env,
    memory_cue,
    registry,
)
from rl_attention_envs.own_worlds import WORLDS
from rl_attention_envs.vocabulary import mission_bounds

INFOS = list_environments()
FAST = [info.env_id for info in INFOS if "envpool" in info.backends]
REFERENCE = [info.env_id for info in INFOS if "gymnasium" in info.backends]
WFC = [env_id for env_id in REFERENCE if env_id.startswith("MiniGrid-WFC")]


def _steps(env_id, view, backend, n_envs, steps):
    venv = make_vec_env(env_id, view=view, n_envs=n_envs, backend=backend, num_threads=1)
    venv.reset()
    rng = np.random.default_rng(0)
    for _ in range(steps):
        observation, _, _, _ = venv.step(rng.integers(venv.action_space.n, size=n_envs))
    row = (
        {k: v[0] for k, v in observation.items()}
        if isinstance(observation, dict)
        else observation[0]
    )
    assert venv.observation_space.contains(row)
    assert venv.get_attr("entity_overflow") == [0] * n_envs
    venv.close()


def _shown(env_id, view):
    return view != "flat" or mission_bounds(env_id).letters <= 96


@pytest.mark.parametrize("view", VIEWS)
def test_every_id_runs_on_envpool(view):
    pytest.importorskip("envpool")
    for env_id in FAST:
        if _shown(env_id, view):
            _steps(env_id, view, "envpool", n_envs=4, steps=25)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_every_id_runs_on_gymnasium(view):
    for env_id in REFERENCE:
        if _shown(env_id, view) and env_id not in WFC:
            _steps(env_id, view, "gymnasium", n_envs=2, steps=10)


def test_every_id_is_listed_with_its_backends():
    assert len(INFOS) == len({info.env_id for info in INFOS}) >= 178
    assert [info.env_id for info in INFOS] == sorted(info.env_id for info in INFOS)
    for info in INFOS:
        assert info.family in ("MiniGrid", "BabyAI", "MemoryCue", *WORLDS)
        assert info.words in ((0,) if info.family in WORLDS else (16, 24, 72))
        assert info.backends


def test_what_envpool_does_not_know_goes_to_gymnasium():
    pytest.importorskip("envpool")
    unknown = set(REFERENCE) - set(FAST)
    assert unknown == {"MiniGrid-MultiRoom-N4-S5-v1", *memory_cue.PRESETS}
    for env_id in unknown:
        assert choose_backend(env_id).name == "gymnasium"
        assert "does not know" in choose_backend(env_id).reason
        with pytest.raises(EnvironmentConfigError, match="does not know"):
            choose_backend(env_id, "envpool")
        _steps(env_id, "entities", "auto", n_envs=1, steps=10)


def test_an_older_version_of_an_id_makes_no_noise():
    _steps("MiniGrid-MultiRoom-N4-S5-v0", "cells", "gymnasium", n_envs=1, steps=5)


@pytest.mark.parametrize("vec_env", ["dummy", "subproc"])
def test_a_grid_that_python_cannot_make_is_one_clear_error(vec_env):
    with pytest.raises(EnvironmentConfigError, match="use backend 'envpool'") as caught:
        make_vec_env(WFC[0], backend="gymnasium", vec_env=vec_env)
    assert "\n" not in str(caught.value)


def test_babyai_does_not_chatter(capsys):
    venv = make_vec_env("BabyAI-PutNextLocal-v0", n_envs=1, backend="gymnasium")
    for _ in range(20):
        venv.reset()
    assert capsys.readouterr().out == ""


def test_an_unknown_id_is_told_its_neighbours():
    with pytest.raises(EnvironmentConfigError, match="did you mean MiniGrid-DoorKey-5x5-v0"):
        check_environment("MiniGrid-DoorKey-5x5")
    with pytest.raises(EnvironmentConfigError, match="rl-attention envs"):
        check_environment("CartPole")
    with pytest.raises(EnvironmentConfigError, match="did you mean"):
        make_vec_env("BabyAI-GotoLocal-v0")


def test_without_envpool_the_reference_is_taken(monkeypatch):
    monkeypatch.setattr(backends, "envpool_installed", lambda: False)
    choice = choose_backend("MiniGrid-DoorKey-5x5-v0")
    assert choice.name == "gymnasium"
    assert "rl-attention[fast]" in choice.reason
    with pytest.raises(EnvironmentConfigError, match=r"pip install 'rl-attention\[fast\]'"):
        choose_backend("MiniGrid-DoorKey-5x5-v0", "envpool")


def test_without_envpool_no_id_has_it(monkeypatch):
    monkeypatch.setattr(registry, "envpool_installed", lambda: False)
    registry.envpool_ids.cache_clear()
    try:
        grids = [info for info in list_environments() if info.family not in WORLDS]
        assert all(info.backends == ("gymnasium",) for info in grids)
    finally:
        registry.envpool_ids.cache_clear()


def test_an_id_of_envpool_alone_is_not_for_gymnasium(monkeypatch):
    monkeypatch.setattr(backends, "gymnasium_ids", frozenset)
    with pytest.raises(EnvironmentConfigError, match="use backend 'envpool'"):
        choose_backend("MiniGrid-DoorKey-5x5-v0", "gymnasium")


def test_envpool_is_taken_where_it_can_be():
    pytest.importorskip("envpool")
    assert choose_backend("BabyAI-BossLevel-v0").name == "envpool"
    assert choose_backend("BabyAI-BossLevel-v0", "envpool").reason == "asked for"
    assert choose_backend("BabyAI-BossLevel-v0", "gymnasium").name == "gymnasium"


def test_importing_the_package_imports_no_environment():
    code = (
        "import sys; from rl_attention_envs import make_vec_env, make_probes; "
        "heavy = {'envpool', 'minigrid', 'pygame', 'torch', 'stable_baselines3'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
