"""What episodes are made of, and that nothing but the cue tells the answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recall_parts import CUE, QUESTION, params
from scipy.stats import chi2_contingency, chisquare

from rl_attention_envs import EnvironmentConfigError
from rl_attention_envs.recall import PRESETS, TYPES, RecallParams
from rl_attention_envs.recall.episodes import draw_episode

N_EPISODES = 4000
SHORT = RecallParams(distance=3, n_distractors=(1, 3))


class Forced:
    """A generator whose first number is given; all others are drawn as ever."""

    def __init__(self, first, seed):
        self._first = [first]
        self._rng = np.random.default_rng(seed)

    def integers(self, *args, **options):
        drawn = self._rng.integers(*args, **options)
        return self._first.pop() if self._first else drawn

    def random(self, *args):
        return self._rng.random(*args)


@pytest.fixture(scope="module")
def drawn():
    """Scenes `E T M 5` and answers `E`."""
    rng = np.random.default_rng(0)
    episodes = [draw_episode(SHORT, rng) for _ in range(N_EPISODES)]
    return np.stack([e.scenes for e in episodes]), np.array([e.answer for e in episodes])


@given(params(), st.integers(0, 2**32 - 1))
def test_an_episode_is_a_cue_distractors_and_a_question(world, seed):
    scenes, answer = draw_episode(world, np.random.default_rng(seed))
    assert scenes.shape == (world.distance + 1, world.max_things, 5)
    there = scenes[..., 0] > 0
    assert not scenes[~there].any(), "padding is all zero"
    assert (np.diff(there.astype(int), axis=1) <= 0).all(), "and comes last"
    assert there[0].sum() == there[-1].sum() == 1
    assert scenes[0, 0, :3].tolist() == [CUE, answer + 1, 0]
    assert scenes[-1, 0, :3].tolist() == [QUESTION, 0, 0]
    lowest, highest = world.span
    for scene, real in zip(scenes[1:-1], there[1:-1], strict=True):
        assert lowest <= real.sum() <= highest
        kinds, colours, states = scene[real, :3].T
        assert {TYPES[kind] for kind in kinds} <= {"door", "key", "ball", "box"}
        assert colours.min() >= 1
        assert colours.max() <= world.n_colours
        assert not states[kinds != TYPES.index("door")].any()
    for scene, real in zip(scenes, there, strict=True):
        places = {tuple(place) for place in scene[real, 3:].tolist()}
        assert len(places) == real.sum(), "no two things lie in one place"
        assert (0, 0) not in places
        assert all(abs(right) <= 2 and 0 <= forward <= 4 for right, forward in places)


@given(params(), st.integers(0, 2**32 - 1))
def test_with_another_cue_everything_after_it_is_the_same(world, seed):
    episodes = [draw_episode(world, Forced(cue, seed)) for cue in range(world.n_colours)]
    assert [episode.answer for episode in episodes] == list(range(world.n_colours))
    for episode in episodes:
        np.testing.assert_array_equal(episode.scenes[1:], episodes[0].scenes[1:])
        np.testing.assert_array_equal(episode.scenes[0, 0, 3:], episodes[0].scenes[0, 0, 3:])


def test_every_answer_is_as_likely(drawn):
    assert chisquare(np.bincount(drawn[1], minlength=4)).pvalue > 0.01


@pytest.mark.parametrize("column", range(5))
@pytest.mark.parametrize("step", [1, 2, 3])
def test_no_column_of_what_follows_goes_with_the_answer(drawn, step, column):
    scenes, answers = drawn
    values = scenes[:, step, 0, column] - scenes[:, step, 0, column].min()
    table = np.zeros((4, values.max() + 1), int)
    np.add.at(table, (answers, values), 1)
    assert step == 3 or column == 2 or table.shape[1] > 3
    # 15 tables are looked at, so one in a hundred would not be rare enough
    assert chi2_contingency(table).pvalue > 0.001


def test_the_number_of_distractors_does_not_go_with_the_answer(drawn):
    scenes, answers = drawn
    table = np.zeros((4, 4), int)
    np.add.at(table, (answers, (scenes[:, 1, :, 0] > 0).sum(axis=1)), 1)
    assert (table[:, 1:] > 200).all()
    assert chi2_contingency(table[:, 1:]).pvalue > 0.01


def accuracy(scenes, answers):
    """How often a linear reader of one-hot scenes, fitted on one half, is right on the other."""
    half = len(scenes) // 2
    flat = scenes.reshape(len(scenes), -1).astype(int) + 4
    codes = np.eye(12)[flat].reshape(len(scenes), -1)
    left = codes[:half].T @ codes[:half] + np.eye(codes.shape[1])
    weights = np.linalg.solve(left, codes[:half].T @ np.eye(4)[answers[:half]])
    return ((codes[half:] @ weights).argmax(axis=1) == answers[half:]).mean()


def test_what_follows_the_cue_does_not_teach_a_reader_the_answer(drawn):
    scenes, answers = drawn
    # three standard deviations of 2000 guesses by chance are 0.03
    assert abs(accuracy(scenes[:, 1:], answers) - 0.25) < 0.03
    assert accuracy(scenes, answers) == 1.0, "the same reader reads the cue"


def test_the_presets_are_what_their_names_say_and_share_a_space():
    assert [world.distance for world in PRESETS.values()] == [8, 16, 32, 64, 128, 256]
    assert next(iter(PRESETS)) == "Recall-8-v0"
    assert len({(world.n_colours, world.n_distractors) for world in PRESETS.values()}) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distance": 0}, "distance: expected a whole number from 1"),
        ({"distance": True}, "distance: expected"),
        ({"n_colours": 1}, "n_colours: expected a whole number from 2 to 6, got 1"),
        ({"n_colours": 7}, "n_colours: expected"),
        ({"n_distractors": 0}, "n_distractors: expected a whole number of at least 1"),
        ({"n_distractors": (3, 2)}, "n_distractors: expected"),
        ({"n_distractors": (1, 25)}, "n_distractors: expected a whole number from 1 to 24"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(options, message):
    with pytest.raises(EnvironmentConfigError, match=message):
        RecallParams(**options)


def test_one_number_is_a_range_of_one():
    assert RecallParams(n_distractors=3).span == (3, 3)
