"""What is shown is changed; the world is not."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rl_attention_envs import CHANGES, VOCABULARY, EnvironmentConfigError, make_vec_env
from rl_attention_envs.changes import change_applies, make_recolour, make_shuffle
from rl_attention_envs.symbols import COLOURS, OBJECTS

LOCAL, DOORKEY, BOX = "BabyAI-GoToLocal-v0", "MiniGrid-DoorKey-5x5-v0", "BoxWorld-6x6-v0"


def pair(env_id, change, **options):
    """The same environments, plain and changed."""
    given = {"n_envs": 4, "seed": 3, **options}
    return make_vec_env(env_id, **given), make_vec_env(env_id, change=change, **given)


def play(plain, changed, steps=60):
    """Step both alike, and give what each shows."""
    rng = np.random.default_rng(0)
    yield plain.reset(), changed.reset()
    for _ in range(steps):
        actions = rng.integers(0, plain.action_space.n, plain.num_envs)
        before, after = plain.step(actions), changed.step(actions)
        assert_array_equal(before[1], after[1])
        assert_array_equal(before[2], after[2])
        yield before[0], after[0]
        for index in np.flatnonzero(before[2]):
            yield tuple(
                {key: value[None] for key, value in infos[index]["terminal_observation"].items()}
                for infos in (before[3], after[3])
            )


def rows(observation, index):
    """The things of one observation, as a sorted list."""
    kept = observation["entities"][index][observation["mask"][index] == 1]
    return sorted(map(tuple, kept))


@pytest.mark.parametrize("env_id", [LOCAL, BOX, "Recall-8-v0"])
def test_shuffled_things_are_the_same_things_in_another_order(env_id):
    moved = 0
    plain, changed = pair(env_id, "shuffle")
    for before, after in play(plain, changed):
        assert before.keys() == after.keys()
        for index in range(len(before["mask"])):
            assert rows(before, index) == rows(after, index)
            assert not after["entities"][index][after["mask"][index] == 0].any()
            moved += (before["entities"][index] != after["entities"][index]).any()
        for key in before.keys() - {"entities", "mask"}:
            assert_array_equal(before[key], after[key])
        assert changed.observation_space.contains({key: part[0] for key, part in after.items()})
    assert moved > 100


@pytest.mark.parametrize("view", ["entities", "cells"])
@pytest.mark.parametrize("backend", ["envpool", "gymnasium"])
def test_recoloured_things_and_missions_have_the_next_colour(view, backend):
    if backend == "envpool":
        pytest.importorskip("envpool")
    plain, changed = pair(LOCAL, "recolour", view=view, backend=backend)
    for before, after in play(plain, changed, steps=20):
        for index in range(len(before["mask"])):
            was, now = (o[view][index].reshape(-1, o[view].shape[-1]) for o in (before, after))
            things = np.isin(was[:, 0], [OBJECTS.index(name) for name in ("key", "ball", "box")])
            assert_array_equal(now[things, 1], (was[things, 1] + 1) % len(COLOURS))
            assert_array_equal(now[~things], was[~things])
            assert_array_equal(np.delete(now, 1, axis=1), np.delete(was, 1, axis=1))
            told, heard = (
                [VOCABULARY[word] for word in o["mission"][index]] for o in (before, after)
            )
            assert heard == [
                COLOURS[(COLOURS.index(word) + 1) % len(COLOURS)] if word in COLOURS else word
                for word in told
            ]
        assert changed.observation_space.contains({key: part[0] for key, part in after.items()})


def test_what_is_carried_is_recoloured_and_empty_hands_are_not():
    key, empty = OBJECTS.index("key"), OBJECTS.index("empty")
    carrying = np.array([[key, COLOURS.index("grey")], [empty, 0]])
    shown = make_recolour(0)({"carrying": carrying})["carrying"]
    assert shown.tolist() == [[key, COLOURS.index("red")], [empty, 0]]
    assert carrying[0, 1] == COLOURS.index("grey"), "what was given is left alone"


def test_the_same_seed_shuffles_alike_and_another_otherwise():
    mask = np.ones((2, 20), np.int8)
    given = {"entities": np.arange(2 * 20 * 1).reshape(2, 20, 1), "mask": mask}
    first, again, other = (make_shuffle(seed)(given)["entities"] for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1] - 20).any(), "each row has an order of its own"


def test_every_change_says_where_it_means_something():
    assert set(CHANGES) == {"shuffle", "recolour"}
    applies = [
        (c, e, v) for c in CHANGES for e in (DOORKEY, BOX) for v in ("entities", "cells", "pixels")
    ]
    assert [one for one in applies if change_applies(*one)] == [
        ("shuffle", DOORKEY, "entities"),
        ("shuffle", BOX, "entities"),
        ("recolour", DOORKEY, "entities"),
        ("recolour", DOORKEY, "cells"),
    ]


@pytest.mark.parametrize(
    ("change", "env_id", "view", "message"),
    [
        ("mirror", DOORKEY, "entities", "change must be one of shuffle, recolour, got 'mirror'"),
        ("shuffle", DOORKEY, "cells", "'shuffle' means nothing for .* view 'cells'"),
        ("recolour", BOX, "entities", "recolour not with Box-World"),
        ("recolour", "Recall-8-v0", "cells", "recolour not with Box-World or Recall"),
    ],
)
def test_a_change_that_means_nothing_is_refused(change, env_id, view, message):
    with pytest.raises(EnvironmentConfigError, match=message):
        make_vec_env(env_id, view=view, change=change)
