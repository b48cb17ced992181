"""What environments say of their entities, as a probe set."""

import numpy as np
import pytest

from rl_attention.errors import UserError
from rl_attention.recording import ProbeSet
from rl_attention.recording.descriptions import stack_descriptions

OBSERVATIONS = {"entities": np.zeros((2, 3, 4)), "mission": np.zeros((2, 5), np.int16)}
WORDS = [{"words": ["go", "left"]}, {"words": ("open", "the", "door")}]


def test_lists_arrays_and_tuples_will_do():
    answers = [{"labels": ["a", "b", ""]}, {"labels": np.array(["c", "", "d"])}]
    probes = ProbeSet.from_observations(OBSERVATIONS, answers)
    assert probes.labels.tolist() == [["a", "b", ""], ["c", "", "d"]]
    assert probes.sizes == {"entities": 3, "words": 5}


def test_words_are_padded_to_the_slots_of_the_mission():
    assert ProbeSet.from_observations(OBSERVATIONS, WORDS).words.shape == (2, 5)
    assert stack_descriptions(WORDS)["words"].tolist() == [
        ["go", "left", ""],
        ["open", "the", "door"],
    ]
    with pytest.raises(UserError, match="at most the 2 of the mission, got 3"):
        stack_descriptions(WORDS, n_words=2)


def test_texts_become_one_line():
    found = stack_descriptions([{"labels": [" red\nkey\t"], "mission": "go\r\nleft"}])
    assert found["labels"].tolist() == [["red key"]]
    assert found["missions"].tolist() == ["go left"]


def test_no_entity_at_all():
    found = stack_descriptions([{"labels": [], "types": []}] * 2)
    probes = ProbeSet(np.zeros((2, 0, 3)), **found)
    assert probes.labels.shape == probes.types.shape == (2, 0)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([{}], "expected 2 descriptions, got 1"),
        ([{"labels": ["a"] * 3}, {"labels": ["a"] * 2}], "each of the 3 tokens, .* got 2"),
        ([{"labels": ["a"] * 3, "types": ["b"] * 2}] * 2, "3 tokens, .* got 2"),
        ([{"frame": np.zeros((n, 4, 3), np.uint8)} for n in (4, 5)], "equally large"),
        ([{"labels": 3}] * 2, "'labels' must be a list with one item a token, got int 3"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(answers, message):
    with pytest.raises(UserError, match=message) as error:
        ProbeSet.from_observations(OBSERVATIONS, answers)
    assert "\n" not in str(error.value)


def test_lists_must_be_equally_long_where_nobody_knows_how_long():
    answer = {"labels": ["a"] * 3, "types": ["b"] * 2}
    with pytest.raises(UserError, match=r"one item a token in each list, got .*3.*2"):
        stack_descriptions([answer])
