"""What a vector environment with a history shows, whatever the episodes."""

import copy

import numpy as np
import pytest
from gymnasium import spaces
from history_for_tests import ROWS, Parade, PlainHistory
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecNormalize

from rl_attention.errors import UserError
from rl_attention.history import HistoryVecEnv

KEYS = ("frames", "frames_mask", "frames_steps", "frames_actions", "frames_rewards", "mission")


def parades(lengths, **options):
    return DummyVecEnv(
        [
            lambda number=number, some=some: Parade(number, some, **options)
            for number, some in enumerate(lengths)
        ]
    )


def assert_same(got, expected, note=""):
    assert set(got) == set(expected) == set(KEYS)
    for key in KEYS:
        np.testing.assert_array_equal(got[key], expected[key], err_msg=f"{key} {note}")


def row(observations, index):
    return {key: value[index] for key, value in observations.items()}


episodes = st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=3), min_size=1, max_size=3)


@given(episodes, st.integers(1, 6), st.integers(0, 2**31), st.booleans(), st.booleans())
def test_windows_are_those_of_a_plain_history(lengths, n_frames, seed, masked, discrete):
    rng = np.random.default_rng(seed)
    actions = spaces.Discrete(3) if discrete else spaces.Box(-1.0, 1.0, (2,))
    inner = parades(lengths, actions=actions, masked=masked)
    twin = parades(lengths, actions=actions, masked=masked)
    env = HistoryVecEnv(inner, n_frames)
    plain = [PlainHistory(n_frames, 0 if discrete else np.zeros(2)) for _ in lengths]
    shown, raw = env.reset(), twin.reset()
    for index, history in enumerate(plain):
        history.begin(row(raw, index))
    for step in range(18):
        for index, history in enumerate(plain):
            assert_same(row(shown, index), history.shown(), f"step {step}")
            assert env.observation_space.contains(row(shown, index))
        if discrete:
            taken = rng.integers(0, 3, len(lengths))
        else:
            taken = rng.uniform(-1, 1, (len(lengths), 2)).astype(np.float32)
        shown, rewards, dones, infos = env.step(taken)
        raw, expected, ends, tales = twin.step(taken)
        np.testing.assert_array_equal(rewards, expected)
        np.testing.assert_array_equal(dones, ends)
        for index, history in enumerate(plain):
            done = 1 + taken[index] if discrete else taken[index]
            last = tales[index].get("terminal_observation", row(raw, index))
            history.see(last, done, rewards[index])
            if dones[index]:
                ending = infos[index]["terminal_observation"]
                assert_same(ending, history.shown(), f"end at {step}")
                assert env.observation_space.contains(ending)
                assert infos[index]["TimeLimit.truncated"] == tales[index]["TimeLimit.truncated"]
                history.begin(row(raw, index))


@given(episodes, st.integers(1, 5))
def test_what_was_shown_never_changes(lengths, n_frames):
    env = HistoryVecEnv(parades(lengths), n_frames)
    shown = [env.reset()]
    kept = [copy.deepcopy(shown[0])]
    for _ in range(3 * n_frames + 4):
        observations, _, _, infos = env.step(np.zeros(len(lengths), int))
        endings = [info["terminal_observation"] for info in infos if "terminal_observation" in info]
        for seen in (observations, *endings):
            shown.append(seen)
            kept.append(copy.deepcopy(seen))
    for seen, then in zip(shown, kept, strict=True):
        assert_same(seen, then)


@given(episodes, st.integers(2, 6))
def test_nothing_from_before_the_episode_is_seen(lengths, n_frames):
    env = HistoryVecEnv(parades(lengths), n_frames)
    shown = env.reset()
    for _ in range(15):
        steps = shown["frames_steps"].astype(bool)
        assert steps[:, -1].all()
        assert (np.diff(shown["frames_steps"], axis=1) >= 0).all()
        for key in KEYS[:-1]:
            assert not shown[key][~steps].any()
        # all frames are of the episode that the newest is of
        newest = shown["frames"][:, -1:, :1, 0]
        same = shown["frames"][..., 0] == newest
        assert same[steps].all()
        shown = env.step(np.ones(len(lengths), int))[0]


def test_the_newest_frame_alone_and_the_action_that_led_to_it():
    env = HistoryVecEnv(parades([(3,)]), 1)
    first = env.reset()
    assert first["frames"].shape == (1, 1, ROWS, 3)
    assert first["frames_actions"].tolist() == [[0]]
    shown = env.step(np.array([2]))[0]
    assert shown["frames_actions"].tolist() == [[3]]
    assert shown["frames_rewards"].tolist() == [[0.5]]


def test_a_second_reset_begins_anew():
    env = HistoryVecEnv(parades([(9,), (9,)]), 3)
    env.reset()
    env.step(np.zeros(2, int))
    assert env.reset()["frames_steps"].tolist() == [[0, 0, 1]] * 2


def test_discrete_actions_that_do_not_begin_at_0_are_refused():
    env = parades([(9,)], actions=spaces.Discrete(3, start=1))
    with pytest.raises(UserError, match="Discrete actions from 0"):
        HistoryVecEnv(env, 2)


def test_seeds_options_and_what_a_reset_says_are_passed_on():
    env = HistoryVecEnv(parades([(9,), (9,)]), 2)
    env.seed(7)
    env.set_options({"level": 3})
    env.reset()
    assert env.get_attr("given") == [[(7, {"level": 3})], [(8, {"level": 3})]]
    assert env.reset_infos == [{"begun": 1}, {"begun": 1}]
    assert env.get_attr("number", indices=1) == [1]
    env.set_attr("number", 4, indices=0)
    assert env.step(np.zeros(2, int))[0]["frames"][0, :, 0, 0].tolist() == [1, 41]


@pytest.mark.slow
def test_other_processes_show_the_same():
    lengths = [(2, 5), (3,)]
    made = [lambda n=n, some=some: Parade(n, some) for n, some in enumerate(lengths)]
    env, twin = HistoryVecEnv(SubprocVecEnv(made), 3), HistoryVecEnv(parades(lengths), 3)
    shown, expected = env.reset(), twin.reset()
    for action in (0, 2, 1, 0, 1, 2):
        assert_same(shown, expected)
        shown, _, _, infos = env.step(np.full(2, action))
        expected, _, _, tales = twin.step(np.full(2, action))
        for info, tale in zip(infos, tales, strict=True):
            assert ("terminal_observation" in info) == ("terminal_observation" in tale)
            if "terminal_observation" in info:
                assert_same(info["terminal_observation"], tale["terminal_observation"])
    env.close()


def test_an_edit_is_made_in_the_newest_frame_alone():
    env = HistoryVecEnv(parades([(9,)]), 3)
    env.reset()
    shown = env.step(np.zeros(1, int))[0]
    answer = env.env_method("edit_entities", "without the first")[0]
    edited = answer["observation"]
    assert env.observation_space.contains(edited)
    assert edited["frames_mask"][-1].tolist() == [0, *shown["frames_mask"][0, -1, 1:]]
    for key in KEYS:
        if key != "frames_mask":
            np.testing.assert_array_equal(edited[key], shown[key][0])
    np.testing.assert_array_equal(edited["frames_mask"][:-1], shown["frames_mask"][0, :-1])
    for _ in range(2):  # a frame without a real row: nothing fits the edit
        env.step(np.zeros(1, int))
    assert env.env_method("edit_entities", "without the first") == [None]


def test_bytes_up_to_255_are_no_image():
    class Bytes(Parade):
        def __init__(self):
            super().__init__()
            self.observation_space["entities"] = spaces.Box(0, 255, (ROWS, 3), np.uint8)

    env = HistoryVecEnv(DummyVecEnv([Bytes]), 4)
    assert env.observation_space["frames"].dtype == np.int16
    assert env.reset()["frames"].dtype == np.int16


def test_where_zero_is_out_of_bounds_the_nearest_number_stands_for_nothing():
    class High(Parade):
        def __init__(self):
            super().__init__()
            self.observation_space["entities"] = spaces.Box(0.5, 99, (ROWS, 3))

    env = HistoryVecEnv(DummyVecEnv([High]), 2)
    assert (env.reset()["frames"][0, 0] == 0.5).all()


def test_a_mask_has_the_name_of_its_set_or_the_one_that_is_said():
    class Named(Parade):
        def __init__(self, name):
            super().__init__(masked=False)
            parts = {
                "cars": self.observation_space["entities"],
                name: spaces.Box(0.0, 1.0, (ROWS,)),
            }
            self.observation_space, self.name = spaces.Dict(parts), name

        def _look(self):
            seen = super()._look()
            return {"cars": seen["entities"], self.name: np.array([1, 0, 1], np.float32)}

    for name, said in (("cars_mask", None), ("mask", None), ("seen", "seen")):
        env = HistoryVecEnv(DummyVecEnv([lambda name=name: Named(name)]), 2, "cars", said)
        assert set(env.observation_space.spaces) == set(KEYS[:-1])
        assert env.reset()["frames_mask"].tolist() == [[[0, 0, 0], [1, 0, 1]]]


def test_rewards_that_are_normalised_outside_are_shown_as_they_came():
    env = VecNormalize(HistoryVecEnv(parades([(9,)]), 2), norm_obs=False)
    env.reset()
    assert env.step(np.zeros(1, int))[0]["frames_rewards"].tolist() == [[0, 0.5]]


class Wrong(Parade):
    def __init__(self, **parts):
        super().__init__(masked=False)
        changed = {**self.observation_space.spaces, **parts}
        kept = {key: part for key, part in changed.items() if part is not None}
        self.observation_space = spaces.Dict(kept)


@pytest.mark.parametrize(
    ("parts", "options", "message"),
    [
        ({"entities": None}, {}, "set of entities 'entities', got the keys mission"),
        ({}, {"key": "cars"}, "set of entities 'cars', got the keys entities, mission"),
        ({"entities": spaces.Box(0, 1, (4,))}, {}, "rows and columns, got Box"),
        ({"entities": spaces.Discrete(4)}, {}, "rows and columns, got Discrete"),
        ({"frames_steps": spaces.Discrete(2)}, {}, "a key 'frames_steps' already"),
        ({}, {"mask_key": "real"}, "mask_key: expected one of the keys .*, got 'real'"),
        ({"mask": spaces.MultiBinary(2)}, {}, "a flag for each of the 3 rows of 'entities'"),
        ({"mask": spaces.Discrete(3)}, {}, "a flag for each of the 3 rows of 'entities'"),
    ],
)
def test_observations_without_a_set_are_refused(parts, options, message):
    with pytest.raises(UserError, match=message) as caught:
        HistoryVecEnv(DummyVecEnv([lambda: Wrong(**parts)]), 2, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_frames", [0, -1, 1.5, True, "3", None])
def test_a_window_without_a_frame_is_refused(n_frames):
    with pytest.raises(UserError, match="n_frames: expected a whole number of at least 1, got"):
        HistoryVecEnv(parades([(3,)]), n_frames)


class Bare(Parade):
    """The set alone, padding told by its first column or by nothing."""

    def __init__(self, space=None):
        super().__init__(0, (3, 4))
        self.observation_space = space or spaces.Box(-1, 99, (ROWS, 3), np.int8)

    def _look(self):
        seen = super()._look()
        return seen["entities"] * seen["mask"][:, None]


def test_a_set_without_a_key_is_shown_as_one_with_a_key():
    env, twin = HistoryVecEnv(DummyVecEnv([Bare]), 3), HistoryVecEnv(parades([(3, 4)]), 3)
    bare = HistoryVecEnv(DummyVecEnv([Bare]), 3, presence_column=0)
    shown, expected, seen = env.reset(), twin.reset(), bare.reset()
    for _ in range(9):
        real = expected["frames_mask"][..., None] > 0
        assert set(shown) == set(seen) == set(KEYS[:-1])
        assert env.observation_space.contains(row(shown, 0))
        np.testing.assert_array_equal(shown["frames"], np.where(real, expected["frames"], 0))
        assert (shown["frames_mask"] == shown["frames_steps"][..., None]).all()
        for key in KEYS[1:-1]:
            np.testing.assert_array_equal(seen[key], expected[key], err_msg=key)
        action = np.ones(1, int)
        shown, expected, seen = env.step(action)[0], twin.step(action)[0], bare.step(action)[0]


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        (lambda: Bare(spaces.Box(0, 1, (3,))), {}, "expected the observation to be a Box of ent"),
        (Bare, {"mask_key": "mask"}, "mask_key: expected none for Box.*, got 'mask'"),
        (Bare, {"presence_column": 3}, "expected a column from 0 to 2, got 3"),
        (Bare, {"presence_column": True}, "expected a column from 0 to 2, got True"),
        (Parade, {"presence_column": 0}, "there is a mask already, key 'mask': leave"),
    ],
)
def test_sets_and_padding_that_cannot_be_read_are_refused(env, options, message):
    with pytest.raises(UserError, match=message):
        HistoryVecEnv(DummyVecEnv([env]), 2, **options)


def test_a_single_environment_is_refused():
    with pytest.raises(UserError, match=r"expected a vector environment, got Parade: .*make_vec_"):
        HistoryVecEnv(Parade(), 2)


@pytest.mark.parametrize("actions", [spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(2)])
def test_actions_that_cannot_be_shown_are_refused(actions):
    with pytest.raises(UserError, match="expected Discrete or Box actions, got Multi"):
        HistoryVecEnv(parades([(3,)], actions=actions), 2)
