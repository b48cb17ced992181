"""EnvPool and python MiniGrid, stepped alike from equal states, must agree on everything."""

import numpy as np
import pytest
from minigrid.utils.baby_ai_bot import BabyAIBot
from state_copy import copy_state

from rl_attention_envs import list_environments
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import ViewSettings
from rl_attention_envs.vocabulary import mission_bounds

pytest.importorskip("envpool")

from rl_attention_envs.backends.envpool import EnvPoolVecEnv
from rl_attention_envs.backends.gymnasium import make_gymnasium_vec_env
from rl_attention_envs.view_vec_env import ViewVecEnv

STEPS = 250

QUICK = [
    "MiniGrid-BlockedUnlockPickup-v0",
    "MiniGrid-DistShift1-v0",
    "MiniGrid-DoorKey-5x5-v0",
    "MiniGrid-Empty-5x5-v0",
    "MiniGrid-Fetch-5x5-N2-v0",
    "MiniGrid-FourRooms-v0",
    "MiniGrid-GoToDoor-5x5-v0",
    "MiniGrid-GoToObject-6x6-N2-v0",
    "MiniGrid-KeyCorridorS3R1-v0",
    "MiniGrid-LavaCrossingS9N1-v0",
    "MiniGrid-LockedRoom-v0",
    "MiniGrid-MemoryS7-v0",
    "MiniGrid-MultiRoom-N2-S4-v0",
    "MiniGrid-ObstructedMaze-1Dlh-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "MiniGrid-RedBlueDoors-6x6-v0",
    "MiniGrid-Unlock-v0",
    "BabyAI-BossLevel-v0",
    "BabyAI-GoToLocalS5N2-v0",
    "BabyAI-MoveTwoAcrossS5N2-v0",
    "BabyAI-OpenDoorsOrderN2Debug-v0",
    "BabyAI-OpenRedDoor-v0",
    "BabyAI-PickupDistDebug-v0",
    "BabyAI-PutNextS5N2Carrying-v0",
    "BabyAI-SynthLoc-v0",
    "BabyAI-UnlockLocal-v0",
]
# the bot cannot begin with something in its hand, nor be strict
SOLVED_BY_BOT = [
    env_id
    for env_id in QUICK
    if env_id.startswith("BabyAI") and not env_id.endswith(("Debug-v0", "Carrying-v0"))
]
SOLVED_BY_CHANCE = [
    "MiniGrid-DoorKey-5x5-v0",
    "MiniGrid-KeyCorridorS3R1-v0",
    "MiniGrid-MemoryS7-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "MiniGrid-Unlock-v0",
]
# its balls move by the backend's own random generator
_OWN_GENERATOR = "MiniGrid-Dynamic-Obstacles"
# minigrid's package lacks the pictures that its grids are made from
_NO_PYTHON = "MiniGrid-WFC"
ALL = [
    info.env_id
    for info in list_environments()
    if len(info.backends) == 2 and not info.env_id.startswith((_OWN_GENERATOR, _NO_PYTHON))
]


def _pair(env_id, view="entities", max_steps=None):
    bounds = mission_bounds(env_id)
    settings = ViewSettings(bounds.words, bounds.letters)
    pool_settings = {} if max_steps is None else {"max_episode_steps": max_steps}
    python_settings = {} if max_steps is None else {"max_steps": max_steps}
    fast = EnvPoolVecEnv(env_id, seed=5, pool_settings=pool_settings)
    slow = make_gymnasium_vec_env(env_id, seed=5, settings=python_settings)
    return tuple(ViewVecEnv(venv, make_view(view, settings)) for venv in (fast, slow))


def _assert_equal(one, other):
    assert one.keys() == other.keys()
    for key in one:
        assert np.asarray(one[key]).dtype == np.asarray(other[key]).dtype, key
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def _copy(fast, slow):
    """Bring the python environment to EnvPool's state and return what it shows of it."""
    raw_env = slow.venv.envs[0].unwrapped
    copy_state(fast.venv.debug_states()[0], raw_env.grid_env)
    raw = {key: np.asarray(value)[None] for key, value in raw_env.observe().items()}
    slow._missions = slow.view.mission_coder(raw["mission"])
    return slow._encode(raw, slow._missions).observation


def _step_both(fast, slow, action):
    """Step both and compare; return whether an episode ended, and its info."""
    (one, reward, done, infos), (other, reward2, done2, infos2) = (
        venv.step(np.array([action])) for venv in (fast, slow)
    )
    assert reward.dtype == reward2.dtype == np.float32
    np.testing.assert_allclose(reward, reward2, rtol=1e-6)
    np.testing.assert_array_equal(done, done2)
    info, info2 = infos[0], infos2[0]
    assert info.keys() == info2.keys()
    assert type(info["TimeLimit.truncated"]) is type(info2["TimeLimit.truncated"]) is bool
    if not done[0]:
        assert info == info2
        _assert_equal(one, other)
        return False, info
    assert info["is_success"] is info2["is_success"]
    _assert_equal(info["terminal_observation"], info2["terminal_observation"])
    _assert_equal(one, _copy(fast, slow))
    return True, {**info, "expected": info2["TimeLimit.truncated"], "reward": reward[0]}


def _begin(env_id, **settings):
    """Build both, check their spaces, and bring them to the same state."""
    fast, slow = _pair(env_id, **settings)
    assert fast.observation_space == slow.observation_space
    assert fast.action_space == slow.action_space
    assert fast.venv.observation_space["image"] == slow.venv.observation_space["image"]
    one = fast.reset()
    slow.reset()
    _assert_equal(one, _copy(fast, slow))
    return fast, slow


def _run(env_id, steps=STEPS, **settings):
    """Step both at random and return the infos of the episodes that ended."""
    fast, slow = _begin(env_id, **settings)
    rng = np.random.default_rng(3)
    weights = np.array([0.16, 0.16, 0.34, 0.12, 0.06, 0.14, 0.02])[: fast.action_space.n]
    ended = []
    for _ in range(steps):
        done, info = _step_both(fast, slow, rng.choice(len(weights), p=weights / weights.sum()))
        ended += [info] * done
    fast.close()
    slow.close()
    return ended


@pytest.mark.parametrize("env_id", QUICK)
def test_backends_agree(env_id):
    for info in _run(env_id):
        assert info["TimeLimit.truncated"] is info["expected"] or info["reward"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("env_id", sorted(set(ALL) - set(QUICK)))
def test_backends_agree_everywhere(env_id):
    test_backends_agree(env_id)


@pytest.mark.parametrize("env_id", SOLVED_BY_BOT)
def test_backends_agree_on_success(env_id):
    """BabyAI's own bot solves the levels, which a random walk hardly does."""
    fast, slow = _begin(env_id)
    grid_env = slow.venv.envs[0].unwrapped.grid_env
    bot, ended = BabyAIBot(grid_env), []
    for _ in range(STEPS):
        done, info = _step_both(fast, slow, int(bot.replan()))
        if done:
            ended.append(info)
            bot = BabyAIBot(grid_env)
    assert sum(info["is_success"] for info in ended) >= max(1, len(ended) // 2)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", SOLVED_BY_CHANCE)
def test_backends_agree_on_rare_success(env_id):
    assert any(info["is_success"] for info in _run(env_id, steps=10_000))


@pytest.mark.parametrize("env_id", ["MiniGrid-Empty-8x8-v0", "MiniGrid-DoorKey-6x6-v0"])
def test_time_limits_agree(env_id):
    ended = _run(env_id, steps=100, max_steps=9)
    assert len(ended) == 11
    assert all(info["TimeLimit.truncated"] and info["expected"] for info in ended)
    assert not any(info["is_success"] for info in ended)


def test_a_time_limit_of_the_id_itself_is_reached():
    ended = _run("MiniGrid-PutNear-6x6-N2-v0", steps=600)
    assert any(info["TimeLimit.truncated"] for info in ended)


def _walk_to_goal(venv):
    """Return the infos of the three steps that cross the 5x5 room's last cells to its goal."""
    for action in (2, 2, 1, 2):
        venv.step(np.array([action]))
    return venv.step(np.array([2]))


@pytest.mark.parametrize("limit", [5, 50])
def test_success_in_the_last_step_allowed_is_no_truncation(limit):
    for venv in _pair("MiniGrid-Empty-5x5-v0", max_steps=limit):
        venv.reset()
        _, rewards, dones, infos = _walk_to_goal(venv)
        assert dones[0]
        assert infos[0]["is_success"] is True
        assert infos[0]["TimeLimit.truncated"] is False
        assert rewards[0] == pytest.approx(1 - 0.9 * 5 / limit)


def test_failure_in_the_last_step_allowed_is_a_known_difference():
    """EnvPool reports ``truncated`` alone, and a reward of 0 does not tell the two apart."""

    def forward(limit):
        fast = EnvPoolVecEnv(
            "MiniGrid-LavaGapS5-v0", n_envs=8, pool_settings={"max_episode_steps": limit}
        )
        fast.reset()
        _, rewards, dones, infos = fast.step(np.full(8, 2))
        assert not rewards.any()
        return dones, np.array([info["TimeLimit.truncated"] for info in infos])

    in_lava, truncated = forward(limit=50)
    assert in_lava.any()
    assert not in_lava.all()
    assert not truncated.any()
    done, truncated = forward(limit=1)
    assert done.all()
    assert truncated.all()


@pytest.mark.parametrize("view", ["cells", "pixels", "flat"])
def test_other_views_agree(view):
    bounds = ViewSettings(16)
    fast, slow = _pair("MiniGrid-DoorKey-6x6-v0", view=view)
    one = fast.reset()
    slow.reset()
    other = _copy(fast, slow)
    assert make_view(view, bounds).observation_space == fast.observation_space
    np.testing.assert_equal(one, other)
    for action in np.random.default_rng(0).integers(0, 7, 150):
        (one, _, done, infos), (other, _, _, infos2) = (
            venv.step(np.array([action])) for venv in (fast, slow)
        )
        if done[0]:
            np.testing.assert_equal(
                infos[0]["terminal_observation"], infos2[0]["terminal_observation"]
            )
            other = _copy(fast, slow)
        np.testing.assert_equal(one, other)
