"""The wrapper for one environment shows what the vector environment shows."""

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from minigrid.wrappers import FullyObsWrapper, NoDeath
from stable_baselines3.common.env_util import make_vec_env as make_sb3_vec_env

from rl_attention_envs import VIEWS, EnvironmentConfigError, list_environments, make_vec_env
from rl_attention_envs.seeding import spread_seed
from rl_attention_envs.wrappers import ViewObservation

IDS = [
    "MiniGrid-DoorKey-5x5-v0",
    "MiniGrid-Dynamic-Obstacles-5x5-v0",
    "MiniGrid-LavaCrossingS9N1-v0",
    "MiniGrid-LockedRoom-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "BabyAI-BossLevel-v0",
    "BabyAI-GoToLocal-v0",
    "BabyAI-OpenDoorsOrderN2Debug-v0",
    "BabyAI-PutNextS5N2Carrying-v0",
]
# minigrid's package lacks the pictures that its grids are made from
ALL = [
    info.env_id
    for info in list_environments()
    if "gymnasium" in info.backends and not info.env_id.startswith("MiniGrid-WFC")
]


def make(env_id, **options):
    settings = options.pop("settings", {})
    return ViewObservation(gymnasium.make(env_id, disable_env_checker=True, **settings), **options)


def same(one, other, row=None):
    """Whether two observations are alike, in their types too."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        return all(same(one[key], other[key], row) for key in one)
    other = other if row is None else other[row]
    assert np.asarray(one).dtype == np.asarray(other).dtype
    return np.array_equal(one, other)


def walk_both(env_id, *, seed, steps, **options):
    """Step a vector of one and a single one alike; return how many episodes ended."""
    venv = make_vec_env(env_id, seed=seed, backend="gymnasium", **options)
    env = make(env_id, **options)
    assert env.observation_space == venv.observation_space
    assert env.action_space == venv.action_space
    assert same(env.reset(seed=spread_seed(seed, 1)[0])[0], venv.reset(), 0)
    rng = np.random.default_rng(seed)
    weights = np.array([0.16, 0.16, 0.34, 0.12, 0.06, 0.14, 0.02])[: env.action_space.n]
    ended = 0
    for _ in range(steps):
        action = rng.choice(len(weights), p=weights / weights.sum())
        shown, reward, terminated, truncated, info = env.step(action)
        batch, rewards, dones, infos = venv.step(np.array([action]))
        assert np.float32(reward) == rewards[0]
        assert (terminated or truncated) == dones[0]
        assert env.observation_space.contains(shown)
        if dones[0]:
            ended += 1
            assert same(shown, infos[0]["terminal_observation"])
            assert info["is_success"] is infos[0]["is_success"]
            assert (truncated and not terminated) == infos[0]["TimeLimit.truncated"]
            shown, _ = env.reset()
        else:
            assert "is_success" not in info
            assert info.get("entity_overflow") == infos[0].get("entity_overflow")
        assert same(shown, batch, 0)
    venv.close()
    return ended


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("env_id", IDS)
def test_shows_what_the_vector_environment_shows(env_id, view):
    if (env_id, view) == ("BabyAI-BossLevel-v0", "flat"):
        pytest.skip("its missions find no room in the view flat")
    walk_both(env_id, view=view, seed=1, steps=120)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")
@pytest.mark.parametrize("env_id", ALL)
def test_shows_what_the_vector_environment_shows_everywhere(env_id):
    walk_both(env_id, seed=2, steps=60)


@given(seed=st.integers(0, 2**31), count=st.integers(1, 12))
def test_shows_the_same_whatever_the_seed(seed, count):
    walk_both("BabyAI-GoToLocal-v0", seed=seed, steps=70, max_entities=count)


def test_episodes_end_in_the_comparison():
    assert walk_both("MiniGrid-PutNear-6x6-N2-v0", seed=0, steps=200) > 5


def test_a_success_is_said():
    env = make("MiniGrid-Empty-5x5-v0")
    env.reset(seed=0)
    infos = [env.step(action)[-1] for action in (2, 2, 1, 2, 2)]
    assert [info.get("is_success") for info in infos] == [None, None, None, None, True]


def test_things_without_room_are_counted():
    env = make("BabyAI-GoToLocal-v0", max_entities=1)
    wide = make("BabyAI-GoToLocal-v0")
    dropped = 0
    for seed in range(10):
        _, info = env.reset(seed=seed)
        count = wide.reset(seed=seed)[0]["mask"].sum()
        assert info.get("entity_overflow", 0) == max(count - 1, 0)
        dropped += info.get("entity_overflow", 0)
    assert dropped > 0


def test_another_size_of_view_is_taken_from_the_environment():
    env = make("MiniGrid-DoorKey-5x5-v0", settings={"agent_view_size": 5})
    observation, _ = env.reset(seed=0)
    assert observation["walls"].shape == (25,)
    assert env.observation_space.contains(observation)


def test_babyai_prints_nothing(capfd):
    env = make("BabyAI-BossLevel-v0")
    for seed in range(5):
        env.reset(seed=seed)
    assert capfd.readouterr().out == ""


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version:UserWarning")
def test_gymnasium_finds_nothing_wrong_and_can_make_it_again():
    env = make("MiniGrid-DoorKey-5x5-v0", view="cells")
    check_env(env, skip_render_check=True)
    again = gymnasium.make(env.spec, disable_env_checker=True)
    assert again.observation_space == env.observation_space


def test_works_in_the_vector_environments_of_stable_baselines():
    venv = make_sb3_vec_env(
        "MiniGrid-Empty-5x5-v0",
        n_envs=2,
        seed=0,
        wrapper_class=ViewObservation,
        wrapper_kwargs={"max_entities": 4},
        env_kwargs={"disable_env_checker": True},
    )
    assert venv.reset()["entities"].shape == (2, 4, 5)
    for action in (2, 2, 1, 2, 2):
        _, _, dones, infos = venv.step(np.array([action, 0]))
    assert dones.tolist() == [True, False]
    assert infos[0]["is_success"] is True
    assert infos[0]["episode"]["l"] == 5
    assert infos[0]["terminal_observation"]["entities"].shape == (4, 5)


def test_a_wrapper_that_changes_no_observation_may_be_inside():
    inner = NoDeath(
        gymnasium.make("MiniGrid-LavaCrossingS9N1-v0", disable_env_checker=True),
        no_death_types=("lava",),
    )
    observation, _ = ViewObservation(inner).reset(seed=0)
    assert set(observation) >= {"entities", "mask"}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda env: ViewObservation(gymnasium.make("CartPole-v1")), "got CartPoleEnv: leave"),
        (lambda env: ViewObservation(FullyObsWrapper(env)), "got that of FullyObsWrapper: take"),
        (lambda env: ViewObservation(ViewObservation(env)), "got that of ViewObservation: take"),
        (lambda env: ViewObservation(env, view="entity"), "did you mean 'entities'"),
        (lambda env: ViewObservation(env, max_entities=0), "max_entities must be at least 1"),
    ],
)
def test_what_cannot_be_shown_is_refused(build, message):
    env = gymnasium.make("MiniGrid-DoorKey-5x5-v0", disable_env_checker=True)
    with pytest.raises(EnvironmentConfigError, match=message) as caught:
        build(env)
    assert "\n" not in str(caught.value)


def test_what_minigrid_cannot_build_is_said():
    if "MiniGrid-WFC-MazeSimple-v0" not in gymnasium.registry:
        pytest.skip("this minigrid registers no WFC environments")
    with pytest.raises(EnvironmentConfigError, match="WFC"):
        make("MiniGrid-WFC-MazeSimple-v0").reset(seed=0)
