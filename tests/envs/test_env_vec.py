"""What make_vec_env promises Stable-Baselines3, on both backends."""

import warnings

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor

from rl_attention_envs import VIEWS, EnvironmentConfigError, make_vec_env
from rl_attention_envs.registry import envpool_installed

NEEDS_ENVPOOL = pytest.mark.skipif(not envpool_installed(), reason="envpool is not installed")
BACKENDS = [pytest.param("envpool", marks=NEEDS_ENVPOOL), "gymnasium"]
ENV_ID = "MiniGrid-PutNear-6x6-N2-v0"


def _roll(venv, steps, seed=0):
    """Yield every step of a random run, with the observation before it."""
    rng = np.random.default_rng(seed)
    before = venv.reset()
    for _ in range(steps):
        after, rewards, dones, infos = venv.step(
            rng.integers(venv.action_space.n, size=venv.num_envs)
        )
        yield before, after, rewards, dones, infos
        before = after


def _trace(venv, steps=60):
    return [(after, rewards, dones) for _, after, rewards, dones, _ in _roll(venv, steps)]


def _row(observation, i):
    if not isinstance(observation, dict):
        return observation[i]
    return {key: values[i] for key, values in observation.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("view", VIEWS)
def test_infos_and_observations_are_as_stable_baselines_wants_them(backend, view):
    venv = make_vec_env(ENV_ID, view=view, n_envs=3, backend=backend)
    episodes, previous = 0, []
    for _, after, rewards, dones, infos in _roll(venv, 120):
        assert rewards.dtype == np.float32
        assert dones.dtype == bool
        assert isinstance(infos, list)
        for i, info in enumerate(infos):
            assert type(info) is dict
            assert venv.observation_space.contains(_row(after, i))
            assert type(info["TimeLimit.truncated"]) is bool
            if not dones[i]:
                assert set(info) == {"TimeLimit.truncated"}
                continue
            episodes += 1
            assert set(info) == {
                "TimeLimit.truncated",
                "is_success",
                "terminal_observation",
                "episode",
            }
            assert type(info["is_success"]) is bool
            assert info["episode"]["l"] <= 30
            assert info["episode"]["l"] == 30 or not info["TimeLimit.truncated"]
            assert venv.observation_space.contains(info["terminal_observation"])
            previous.append((info["terminal_observation"], _copy(info["terminal_observation"])))
    assert episodes > 5
    for observation, at_first in previous:
        np.testing.assert_equal(observation, at_first)
    venv.close()


def _copy(observation):
    if not isinstance(observation, dict):
        return observation.copy()
    return {key: np.array(values) for key, values in observation.items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_terminal_observations_share_no_memory_with_anything(backend):
    venv = make_vec_env(ENV_ID, view="cells", n_envs=4, backend=backend)
    seen = 0
    for before, after, _, dones, infos in _roll(venv, 80):
        last = [infos[i]["terminal_observation"]["cells"] for i in np.flatnonzero(dones)]
        seen += len(last)
        for i, cells in enumerate(last):
            others = [before["cells"], after["cells"], *last[:i]]
            assert not any(np.shares_memory(cells, other) for other in others)
    assert seen > 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_first_observation_of_the_next_episode_follows_the_last_step(backend):
    venv = make_vec_env("MiniGrid-Empty-5x5-v0", view="cells", n_envs=2, backend=backend)
    first = venv.reset()
    for action in (2, 2, 1, 2, 2):
        after, rewards, dones, infos = venv.step(np.array([action, 0]))
    assert dones.tolist() == [True, False]
    assert rewards[0] == pytest.approx(1 - 0.9 * 5 / 100)
    assert infos[0]["is_success"] is True
    assert infos[0]["episode"]["r"] == pytest.approx(rewards[0])
    np.testing.assert_array_equal(after["cells"][0], first["cells"][0])
    assert (infos[0]["terminal_observation"]["cells"] != first["cells"][0]).any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_seed_one_stream(backend):
    traces = []
    for seed in (3, 3, 4):
        venv = make_vec_env(ENV_ID, n_envs=3, seed=seed, backend=backend)
        traces.append(_trace(venv))
        venv.close()
    np.testing.assert_equal(traces[0], traces[1])
    with pytest.raises(AssertionError):
        np.testing.assert_equal(traces[0], traces[2])


@pytest.mark.parametrize("backend", BACKENDS)
def test_seeding_again_is_as_making_with_that_seed(backend):
    venv = make_vec_env(ENV_ID, n_envs=3, seed=9, backend=backend)
    trace = _trace(venv)
    first_seeds = venv.seed(4)
    other = _trace(venv)
    assert len(set(first_seeds)) == 3
    assert venv.seed(9) == venv.seed(9) != first_seeds
    np.testing.assert_equal(trace, _trace(venv))
    venv.seed(4)
    np.testing.assert_equal(other, _trace(venv))
    venv.seed(None)
    venv.reset()


@NEEDS_ENVPOOL
def test_threads_change_nothing():
    traces = [
        _trace(make_vec_env(ENV_ID, n_envs=5, num_threads=count, backend="envpool"))
        for count in (1, 2)
    ]
    np.testing.assert_equal(*traces)


@pytest.mark.parametrize("backend", BACKENDS)
def test_neighbouring_seeds_and_copies_differ(backend):
    firsts = [
        make_vec_env(
            "MiniGrid-FourRooms-v0", view="cells", n_envs=4, seed=seed, backend=backend
        ).reset()["cells"]
        for seed in range(3)
    ]
    assert len({cells.tobytes() for batch in firsts for cells in batch}) > 9


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_global_generator_is_not_touched(backend):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    _trace(make_vec_env("BabyAI-GoToLocal-v0", backend=backend), steps=5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropped_things_are_counted(backend):
    venv = make_vec_env("BabyAI-GoToLocal-v0", n_envs=2, backend=backend, max_entities=1)
    wide = make_vec_env("BabyAI-GoToLocal-v0", n_envs=2, backend=backend)
    pairs = zip(_roll(venv, 100), _roll(wide, 100), strict=True)
    total = 0
    for t, ((before, _, _, dones, infos), (before2, after2, _, _, infos2)) in enumerate(pairs):
        if t == 0:
            total += np.maximum(before2["mask"].sum(axis=1) - 1, 0)
        dropped = np.maximum(after2["mask"].sum(axis=1) - 1, 0)
        for i in np.flatnonzero(dones):
            dropped[i] += max(infos2[i]["terminal_observation"]["mask"].sum() - 1, 0)
        total += dropped
        assert [info.get("entity_overflow", 0) for info in infos] == dropped.tolist()
        assert not any("entity_overflow" in info for info in infos2)
        assert before["mask"].shape == (2, 1)
    assert venv.get_attr("entity_overflow") == total.tolist()
    assert total.sum() > 50
    assert venv.get_attr("entity_overflow", 1) == [total[1]]
    assert venv.has_attr("entity_overflow")
    assert wide.get_attr("entity_overflow") == [0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_pictures_of_the_whole_grid(backend):
    venv = make_vec_env("MiniGrid-DoorKey-5x5-v0", n_envs=2, backend=backend)
    venv.reset()
    assert venv.render_mode == "rgb_array"
    assert [image.shape for image in venv.get_images()] == [(160, 160, 3)] * 2
    assert venv.render().shape == (160, 320, 3) or venv.render().shape == (320, 160, 3)
    venv.close()


@NEEDS_ENVPOOL
def test_envpool_says_what_it_has_not():
    venv = make_vec_env("MiniGrid-DoorKey-5x5-v0", n_envs=2, backend="envpool")
    assert venv.get_attr("env_id", [0]) == ["MiniGrid-DoorKey-5x5-v0"]
    assert venv.env_is_wrapped(Monitor) == [False, False]
    assert not venv.has_attr("grid")
    for ask in (
        lambda: venv.get_attr("grid"),
        lambda: venv.set_attr("grid", None),
        lambda: venv.env_method("hash"),
    ):
        with pytest.raises(AttributeError, match="use backend 'gymnasium'"):
            ask()
    with pytest.raises(RuntimeError, match="call reset"):
        venv.step(np.zeros(2))


def test_gymnasium_environments_can_be_asked():
    venv = make_vec_env("MiniGrid-DoorKey-5x5-v0", n_envs=2, backend="gymnasium")
    assert venv.get_attr("env_id") == ["MiniGrid-DoorKey-5x5-v0"] * 2
    assert venv.env_is_wrapped(Monitor) == [False, False]


@pytest.mark.slow
def test_one_process_each_is_as_one_process():
    venvs = [
        make_vec_env(ENV_ID, n_envs=2, backend="gymnasium", vec_env=kind)
        for kind in ("dummy", "subproc")
    ]
    np.testing.assert_equal(*map(_trace, venvs))
    for venv in venvs:
        venv.close()


@pytest.mark.slow
def test_a_dead_worker_is_one_clear_error():
    venv = make_vec_env(ENV_ID, n_envs=2, backend="gymnasium", vec_env="subproc")
    venv.reset()
    workers = venv.unwrapped.processes
    workers[0].kill()
    workers[0].join()
    with pytest.raises(EnvironmentConfigError, match="worker process"):
        _trace(venv, steps=2)
    for worker in workers:
        worker.kill()


@pytest.mark.parametrize("backend", BACKENDS)
def test_ppo_trains_for_one_rollout(backend):
    venv = make_vec_env(ENV_ID, view="cells", n_envs=4, backend=backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PPO(
            "MultiInputPolicy", venv, n_steps=32, batch_size=64, n_epochs=1, seed=1, device="cpu"
        )
        model.learn(128)
    assert model.num_timesteps == 128
    assert len(model.ep_info_buffer) > 0
    assert len(model.ep_success_buffer) > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_envs": 0}, "n_envs must be at least 1, got 0"),
        ({"num_threads": 0}, "num_threads must be at least 1, got 0"),
        ({"view": "pixel"}, "did you mean 'pixels'"),
        ({"backend": "jax"}, "backend must be one of auto, envpool, gymnasium, got 'jax'"),
        ({"vec_env": "thread"}, "vec_env must be one of dummy, subproc, got 'thread'"),
        ({"max_entities": 0}, "max_entities must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_had_is_refused(settings, message):
    with pytest.raises(EnvironmentConfigError, match=message):
        make_vec_env(ENV_ID, **settings)
