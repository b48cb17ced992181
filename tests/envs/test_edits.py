"""Edits as texts, and what they do to a grid."""

import copy

import gymnasium
import minigrid  # noqa: F401  importing it registers the ids
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_attention_envs import EnvironmentConfigError
from rl_attention_envs.edits import GRAMMAR, Edit, apply_edit, parse_edit
from rl_attention_envs.symbols import COLOURS, THINGS

ENV_IDS = [
    "MiniGrid-DoorKey-5x5-v0",
    "MiniGrid-KeyCorridorS3R2-v0",
    "MiniGrid-LavaGapS5-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "BabyAI-GoToLocal-v0",
]
PICKUP, FORWARD, TOGGLE = 3, 2, 5

colours, kinds = st.sampled_from(COLOURS), st.sampled_from(THINGS)
perhaps = st.none() | colours
edits = st.one_of(
    st.builds(Edit, st.just("remove"), kinds, perhaps),
    st.builds(Edit, st.just("move"), kinds, perhaps, st.tuples(*[st.integers(0, 9)] * 2)),
    st.builds(Edit, st.just("recolour"), kinds, perhaps, st.none(), colours),
)


def begun(env_id, seed=0):
    env = gymnasium.make(env_id, disable_env_checker=True).unwrapped
    env.reset(seed=seed)
    return env


def things(env):
    """What lies in the grid, by its column and row."""
    width = env.grid.width
    return {
        (spot % width, spot // width): thing
        for spot, thing in enumerate(env.grid.grid)
        if thing is not None
    }


def the(env, kind):
    ((place, thing),) = ((at, one) for at, one in things(env).items() if one.type == kind)
    return place, thing


def stand_before(env, place):
    """Put the agent to a free neighbour of a place, facing it."""
    for facing, (right, down) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
        spot = (place[0] - right, place[1] - down)
        if env.grid.get(*spot) is None:
            env.agent_pos, env.agent_dir = spot, facing
            return
    raise AssertionError("nowhere to stand")


@given(edits)
def test_an_edit_is_read_as_it_is_written(edit):
    assert parse_edit(str(edit)) == edit


@given(edits, st.booleans(), st.sampled_from([" ", "  ", "\t"]), st.booleans())
def test_case_spacing_and_the_order_of_kind_and_colour_mean_nothing(edit, shout, gap, after):
    words = str(edit).split()
    if after and edit.colour is not None:
        words[1:3] = words[2:0:-1]
    text = gap.join(words).replace(",", f"{gap},")
    assert parse_edit(text.upper() if shout else f"{gap}{text}{gap}") == edit


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("remove ball red", Edit("remove", "ball", "red")),
        ("remove red ball", Edit("remove", "ball", "red")),
        ("Remove LAVA", Edit("remove", "lava")),
        ("move key 3, 4", Edit("move", "key", None, (3, 4))),
        ("move yellow key 3,4", Edit("move", "key", "yellow", (3, 4))),
        ("recolour door blue", Edit("recolour", "door", new_colour="blue")),
        ("recolour ball red blue", Edit("recolour", "ball", "red", None, "blue")),
        ("recolour red ball blue", Edit("recolour", "ball", "red", None, "blue")),
        ("recolor ball grey", Edit("recolour", "ball", new_colour="grey")),
    ],
)
def test_edits_by_hand(text, edit):
    assert parse_edit(text) == edit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "remove",
        "remove red",
        "remove wall",
        "remove pink ball",
        "remove red ball red",
        "remove ball 3,4",
        "destroy ball",
        "move ball",
        "move ball 3",
        "move ball -1,2",
        "move ball 3,4,5",
        "recolour ball",
        "recolour red ball",
        "recolour red ball red blue",
        "remove ball\nmove ball 1,1",
    ],
)
def test_what_cannot_be_read_is_one_line_that_shows_the_grammar(text):
    with pytest.raises(EnvironmentConfigError) as caught:
        parse_edit(text)
    assert str(caught.value) == f"edit: expected {GRAMMAR}, got {text!r}"
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200) | st.lists(st.sampled_from(GRAMMAR.split())).map(" ".join))
def test_any_other_text_is_refused_in_short(text):
    if text.split()[:1] in (["remove"], ["move"], ["recolour"]):
        text = f"to {text}"
    with pytest.raises(EnvironmentConfigError) as caught:
        parse_edit(text)
    assert len(str(caught.value)) < len(GRAMMAR) + 1000


@pytest.mark.parametrize(
    "parts",
    [
        ("destroy", "ball"),
        ("remove", "red ball"),
        ("remove", "ball", None, (1, 2)),
        ("move", "ball"),
        ("move", "ball", None, (1, -2)),
        ("recolour", "ball", "red"),
        ("recolour", "ball", None, (1, 2), "red"),
    ],
)
def test_parts_that_do_not_go_together_make_no_edit(parts):
    with pytest.raises(EnvironmentConfigError, match="edit: expected"):
        Edit(*parts)


@pytest.mark.parametrize("env_id", ENV_IDS)
@given(edit=edits, seed=st.integers(0, 20))
def test_an_edit_says_whether_it_changed_the_grid_and_changes_no_more(env_id, edit, seed):
    env = begun(env_id, seed)
    before, codes = copy.deepcopy(vars(env)), env.grid.encode()
    assert apply_edit(env, edit) == (env.grid.encode() != codes).any()
    for name in ("mission", "step_count", "agent_pos", "agent_dir", "carrying", "max_steps"):
        np.testing.assert_equal(getattr(env, name), before[name])
    assert env.np_random.bit_generator.state == before["_np_random"].bit_generator.state
    for place, thing in things(env).items():
        assert thing.cur_pos is None or tuple(thing.cur_pos) == place
    assert not apply_edit(env, edit), "what is done need not be done again"


@pytest.mark.parametrize("env_id", ENV_IDS)
@given(kind=kinds, colour=perhaps, seed=st.integers(0, 20))
def test_all_that_match_are_removed_and_nothing_else(env_id, kind, colour, seed):
    env = begun(env_id, seed)
    before = things(env)
    apply_edit(env, Edit("remove", kind, colour))
    assert things(env) == {
        place: thing
        for place, thing in before.items()
        if thing.type != kind or colour not in (None, thing.color)
    }
    for place in before.keys() - things(env).keys():
        assert tuple(before[place].cur_pos) == (-1, -1)


@pytest.mark.parametrize("env_id", ENV_IDS)
@given(kind=kinds, colour=perhaps, new=colours, seed=st.integers(0, 20))
def test_all_that_match_are_recoloured_and_nothing_else(env_id, kind, colour, new, seed):
    env = begun(env_id, seed)
    before = {place: (one, one.color) for place, one in things(env).items()}
    apply_edit(env, Edit("recolour", kind, colour, None, new))
    assert things(env) == {place: one for place, (one, _) in before.items()}
    for thing, was in before.values():
        meant = thing.type == kind and colour in (None, was)
        assert thing.color == (new if meant else was)


@given(seed=st.integers(0, 200))
def test_the_one_thing_that_matches_is_moved_to_any_free_place(seed):
    env = begun("MiniGrid-DoorKey-5x5-v0", seed)
    for column, row in np.ndindex(7, 7):
        now = copy.deepcopy(env)
        inside = column < 5 and row < 5
        free = inside and env.grid.get(column, row) is None and (column, row) != env.agent_pos
        assert apply_edit(now, Edit("move", "key", None, (column, row))) == free
        place, key = the(now, "key")
        assert place == tuple(key.cur_pos) == ((column, row) if free else the(env, "key")[0])
        assert key.color == "yellow"
        if free:
            assert key.init_pos == (column, row)


@given(edit=edits, seed=st.integers(0, 20))
def test_babyai_goes_on_to_ask_for_the_same_things(edit, seed):
    env = begun("BabyAI-GoToLocal-v0", seed)
    asked = env.instrs.desc
    before = (env.instrs, list(map(id, asked.obj_set)), list(asked.obj_poss), str(asked))
    apply_edit(env, edit)
    asked = env.instrs.desc
    after = (env.instrs, list(map(id, asked.obj_set)), list(asked.obj_poss), str(asked))
    assert before == after


def test_several_that_match_are_not_moved():
    env = begun("BabyAI-GoToLocal-v0", seed=0)
    kind = max(THINGS, key=[thing.type for thing in things(env).values()].count)
    codes = env.grid.encode()
    assert not apply_edit(env, Edit("move", kind, None, tuple(np.argwhere(codes[..., 0] == 1)[0])))
    np.testing.assert_array_equal(env.grid.encode(), codes)


@pytest.mark.parametrize("text", ["remove key", "move key 1,1", "recolour key red"])
def test_what_is_carried_stays_as_it_is(text):
    env = begun("MiniGrid-DoorKey-5x5-v0", seed=1)
    place, key = the(env, "key")
    stand_before(env, place)
    env.step(PICKUP)
    assert env.carrying is key
    codes = env.grid.encode()
    assert not apply_edit(env, parse_edit(text))
    assert env.carrying is key
    assert key.color == "yellow"
    np.testing.assert_array_equal(env.grid.encode(), codes)


def test_what_is_in_a_box_stays_there():
    env = begun("MiniGrid-ObstructedMaze-1Dlh-v0", seed=0)
    _, box = the(env, "box")
    key = box.contains
    assert key.type == "key"
    assert not apply_edit(env, parse_edit("remove key"))
    assert apply_edit(env, parse_edit("remove box"))
    assert box.contains is key


def test_a_door_keeps_its_lock_and_leaves_a_gap():
    env = begun("MiniGrid-DoorKey-5x5-v0", seed=0)
    place, door = the(env, "door")
    assert apply_edit(env, parse_edit("recolour door red"))
    assert (door.color, door.is_locked, door.is_open) == ("red", True, False)
    stand_before(env, place)
    env.step(FORWARD)
    assert env.agent_pos != place
    assert apply_edit(env, parse_edit("remove red door"))
    env.step(FORWARD)
    assert env.agent_pos == place


def test_a_recoloured_door_wants_the_key_of_its_new_colour():
    opened = []
    for text in ("recolour door red", "recolour key red"):
        env = begun("MiniGrid-DoorKey-5x5-v0", seed=0)
        assert apply_edit(env, parse_edit("recolour key red"))
        assert apply_edit(env, parse_edit("recolour door blue"))
        apply_edit(env, parse_edit(text))
        env.carrying = the(env, "key")[1]
        place, door = the(env, "door")
        stand_before(env, place)
        env.step(TOGGLE)
        opened.append(door.is_open)
    assert opened == [True, False]


def test_without_lava_nothing_ends_in_it():
    env = begun("MiniGrid-LavaGapS5-v0", seed=0)
    assert apply_edit(env, parse_edit("remove lava"))
    env.agent_dir = 0
    assert not any(env.step(FORWARD)[2] for _ in range(2))
    assert env.agent_pos == (3, 1)
