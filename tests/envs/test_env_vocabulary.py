"""Every mission that an environment can state has its words, and fits."""

import itertools

import gymnasium
import minigrid  # noqa: F401
import numpy as np
import pytest
from minigrid.core.mission import MissionSpace
from minigrid.envs.babyai.core import verifier
from minigrid.envs.babyai.core.levelgen import LevelGen
from minigrid.envs.babyai.core.roomgrid_level import BabyAIMissionSpace

from rl_attention_envs import EnvironmentConfigError, list_environments
from rl_attention_envs.backends.gymnasium import RawMiniGrid
from rl_attention_envs.missions import MissionCoder
from rl_attention_envs.symbols import COLOURS
from rl_attention_envs.vocabulary import (
    VOCABULARY,
    mission_bounds,
    tokenise,
    words_of,
)

IDS = [info.env_id for info in list_environments() if "gymnasium" in info.backends]
LONGEST_COLOUR = max(COLOURS, key=len)

_LINKS = {
    verifier.AndInstr: " and ",
    verifier.BeforeInstr: ", then ",
    verifier.AfterInstr: " after you ",
}
_KINDS = {
    verifier.GoToInstr: "goto",
    verifier.PickupInstr: "pickup",
    verifier.OpenInstr: "open",
    verifier.PutNextInstr: "putnext",
}


def _longest_action(kind, locations=False, noun="ball"):
    thing = f"the {LONGEST_COLOUR} {noun}" + " in front of you" * locations
    return {
        "goto": f"go to {thing}",
        "pickup": f"pick up {thing}",
        "open": f"open {thing}",
        "putnext": f"put {thing} next to {thing}",
    }[kind]


def _longest_mission(level):
    """Return the longest sentence that a level generator's grammar can say."""
    actions = [_longest_action(kind, level.locations) for kind in level.action_kinds]
    action = max(actions, key=len)
    if level.instr_kinds == ["action"]:
        return action
    part = f"{action} and {action}"
    return f"{part} after you {part}" if "seq" in level.instr_kinds else part


def _longest_form(instr):
    """Return the longest sentence of the same form as an instruction, whatever its objects."""
    if isinstance(instr, verifier.SeqInstr):
        parts = _longest_form(instr.instr_a), _longest_form(instr.instr_b)
        return _LINKS[type(instr)].join(parts)
    found = [getattr(instr, name, None) for name in ("desc", "desc_move", "desc_fixed")]
    descriptions = [description for description in found if description is not None]
    return _longest_action(
        _KINDS[type(instr)],
        any(description.loc is not None for description in descriptions),
        "object" if any(description.type is None for description in descriptions) else "ball",
    )


def _missions(env):
    """Return every mission of a plain space, or the longest sentences of a BabyAI level."""
    space = env.grid_env.observation_space["mission"]
    if not isinstance(space, BabyAIMissionSpace):
        assert isinstance(space, MissionSpace)
        choices = itertools.product(*(space.ordered_placeholders or []))
        return [space.mission_func(*choice) for choice in choices]
    if isinstance(env.grid_env, LevelGen):
        return [_longest_mission(env.grid_env)]
    sentences = []
    for seed in range(12):
        env.reset(seed=seed)
        sentences += [env.grid_env.mission, _longest_form(env.grid_env.instrs)]
    return sentences


@pytest.mark.parametrize("env_id", IDS)
def test_no_mission_of_the_grammar_is_unknown_or_too_long(env_id):
    bounds = mission_bounds(env_id)
    for mission in _missions(RawMiniGrid(env_id)):
        assert len(tokenise(mission, bounds.words)) == bounds.words
        assert len(mission) <= bounds.letters, mission


@pytest.mark.slow
@pytest.mark.parametrize("env_id", [i for i in IDS if not i.startswith("MiniGrid-WFC")])
def test_no_drawn_mission_is_unknown_or_too_long(env_id):
    env = RawMiniGrid(env_id)
    for seed in range(40):
        env.reset(seed=seed)
        tokenise(env.grid_env.mission, mission_bounds(env_id).words)


def test_every_word_of_the_verifier_is_in_the_vocabulary():
    assert {*verifier.OBJ_TYPES, *verifier.LOC_NAMES, *COLOURS} <= set(VOCABULARY)


def test_the_vocabulary_is_a_format():
    assert VOCABULARY[0] == "<pad>"
    assert len(set(VOCABULARY)) == len(VOCABULARY) == 55
    assert (VOCABULARY[1], VOCABULARY[-1]) == ("go", "matching")


def test_commas_and_case_are_dropped():
    assert words_of("Open the door, then go") == ["open", "the", "door", "then", "go"]
    assert tokenise("go to", 3) == [VOCABULARY.index("go"), VOCABULARY.index("to"), 0]


def test_an_unknown_word_is_named():
    with pytest.raises(EnvironmentConfigError, match="'sing'"):
        tokenise("sing to the door", 16)


def test_a_mission_is_never_cut():
    with pytest.raises(EnvironmentConfigError, match="5 words"):
        tokenise("go to the red door", 4)


def test_a_coder_works_each_mission_out_once():
    asked = []

    def encode(mission):
        asked.append(mission)
        return np.array([len(mission)])

    coder = MissionCoder(encode, width=1, dtype=np.int64, capacity=2)
    batch = np.zeros((3, 4), np.uint8)
    batch[0, :2] = batch[1, :2] = list(b"go")
    assert coder(batch).tolist() == coder(batch).tolist() == [[2], [2], [0]]
    assert asked == ["go", ""]
    batch[2, 0] = ord("a")
    assert coder(batch).tolist() == [[2], [2], [1]]
    assert asked == ["go", "", "a"]


def test_importing_minigrid_registers_what_is_listed():
    families = ("MiniGrid-", "BabyAI-", "MemoryCue-")
    assert set(IDS) == {i for i in gymnasium.registry if i.startswith(families)}
