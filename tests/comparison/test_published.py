from collections import Counter

import pytest

from rl_attention.comparison.published import PUBLISHED


def test_every_number_has_a_source_and_a_note():
    for env, numbers in PUBLISHED.items():
        assert numbers, env
        for found in numbers:
            assert found.source
            assert found.note
            if found.measure in ("mean_reward", "success_rate"):
                assert 0 <= found.value <= 1
                assert found.frames
                assert found.seeds


def test_there_are_as_many_as_were_taken_over():
    every = [found.source.split(" (")[0] for numbers in PUBLISHED.values() for found in numbers]
    assert Counter(every) == {
        "RL Zoo": 11,
        "NAVIX": 8,
        "BabyAI 1.1": 5,
        "recurrent PPO": 1,
        "memrl-s13-baseline": 1,
    }


@pytest.mark.parametrize(
    ("env", "value", "measure", "frames", "seeds"),
    [
        ("MiniGrid-DoorKey-5x5-v0", 0.964, "mean_reward", 100_000, 1),
        ("MiniGrid-PutNear-6x6-N2-v0", 0.612, "mean_reward", 10_000_000, 1),
        ("MiniGrid-DoorKey-8x8-v0", 0.997, "success_rate", 1_050_000, 32),
        ("MiniGrid-MemoryS9-v0", 0.88, "mean_reward", 2_050_000, 10),
        ("MiniGrid-MemoryS13-v0", 0.61, "mean_reward", 10_000_000, 3),
        ("BabyAI-GoToLocal-v0", 611, "thousand episodes to 99 %", None, None),
    ],
)
def test_some_by_hand(env, value, measure, frames, seeds):
    (found,) = PUBLISHED[env]
    assert (found.value, found.measure) == (value, measure)
    assert (found.frames, found.seeds) == (frames, seeds)


def test_one_task_may_have_several():
    assert [found.value for found in PUBLISHED["MiniGrid-FourRooms-v0"]] == [0.573, 0.139]
