"""Puts python MiniGrid into the state that EnvPool reports, so that both can be stepped alike."""

import re

import numpy as np
from minigrid.core.grid import Grid
from minigrid.core.world_object import WorldObj
from minigrid.envs.babyai.core import verifier

from rl_attention_envs.symbols import COLOURS, OBJECTS

_PLACES = {
    "in front of you": "front",
    "behind you": "behind",
    "on your left": "left",
    "on your right": "right",
}
_DESCRIPTION = re.compile(
    rf"(?:a|the) (?:({'|'.join(COLOURS)}) )?(object|box|ball|key|door)(?: ({'|'.join(_PLACES)}))?"
)
# the attributes that hold the goal of a task, by the names that python MiniGrid's classes use
_GOALS = {
    "fetch": {"targetType": "target_type", "targetColor": "target_color"},
    "goto_door": {"target_pos": "target_pos", "target_color": "target_color"},
    "goto_object": {
        "targetType": "target_type",
        "target_color": "target_color",
        "target_pos": "target_pos",
    },
    "put_near": {
        "move_type": "move_type",
        "moveColor": "move_color",
        "move_pos": "move_pos",
        "target_type": "target_type",
        "target_color": "target_color",
        "target_pos": "target_pos",
    },
    "memory": {"success_pos": "success_pos", "failure_pos": "failure_pos"},
}


def copy_state(state, env):
    """Copy the beginning of an EnvPool episode into a python environment that was just reset."""
    env.grid = _grid(state)
    env.agent_pos = tuple(state.agent_pos)
    env.agent_dir = state.agent_dir
    env.mission = state.mission
    env.step_count = 0
    env.carrying = _carried(state)
    for name, source in _GOALS.get(state.env_name, {}).items():
        value = getattr(state, source)
        names = OBJECTS if source.endswith("type") else COLOURS
        setattr(env, name, tuple(value) if source.endswith("pos") else names[value])
    _link_objects(state, env)
    if hasattr(env, "instrs"):
        _link_instructions(env)
    assert _max_steps(env) == state.max_steps
    env.max_steps = state.max_steps


def _thing(code, contains=None):
    thing = WorldObj.decode(*(int(number) for number in code))
    if thing is not None and contains is not None:
        thing.contains = WorldObj.decode(*(int(number) for number in contains))
    return thing


def _grid(state):
    grid = Grid(state.width, state.height)
    shape = (state.width, state.height, 3)
    codes, contents = np.reshape(state.grid, shape), np.reshape(state.grid_contains, shape)
    for x, y in np.ndindex(*shape[:2]):
        thing = _thing(codes[x, y], contents[x, y])
        if thing is not None:
            thing.init_pos = thing.cur_pos = (x, y)
        grid.set(x, y, thing)
    return grid


def _carried(state):
    if not state.has_carrying:
        return None
    thing = _thing((state.carrying_type, state.carrying_color, state.carrying_state))
    thing.cur_pos = np.array([-1, -1])
    return thing


def _link_objects(state, env):
    """Point ``obj`` and the doors at the objects of the new grid."""
    doors = [thing for thing in env.grid.grid if thing is not None and thing.type == "door"]
    if state.env_name == "unlock":
        (env.door,) = doors
    elif state.env_name == "red_blue_door":
        env.red_door, env.blue_door = (
            next(door for door in doors if door.color == colour) for colour in ("red", "blue")
        )
    elif hasattr(env, "obj"):
        env.obj = env.grid.get(*state.target_pos)


def _link_instructions(env):
    """Read the instructions from the mission; how strict they are is the level's and stays."""
    drawn = env.instrs
    env.instrs = _instruction(env.mission)
    parts = [getattr(drawn, "instr_a", drawn), getattr(drawn, "instr_b", drawn)]
    own = [getattr(env.instrs, "instr_a", env.instrs), getattr(env.instrs, "instr_b", env.instrs)]
    for part, other in zip(own, parts, strict=True):
        part.strict = getattr(other, "strict", False)
    carried, env.carrying = env.carrying, None
    if carried is None:
        env.instrs.reset_verifier(env)
        return
    # an agent that begins with the object in its hand: the verifier saw it where it lay
    spot = next(i for i, thing in enumerate(env.grid.grid) if thing is None)
    env.grid.grid[spot] = carried
    env.instrs.reset_verifier(env)
    env.grid.grid[spot] = None
    env.carrying = carried


def _instruction(text):
    for word, kind in ((", then ", verifier.BeforeInstr), (" after you ", verifier.AfterInstr)):
        if word in text:
            return kind(*map(_instruction, text.split(word)))
    if " and " in text:
        return verifier.AndInstr(*map(_instruction, text.split(" and ")))
    things = [_description(*found) for found in _DESCRIPTION.findall(text)]
    verb = text.split()[0]
    kinds = {
        "go": verifier.GoToInstr,
        "pick": verifier.PickupInstr,
        "open": verifier.OpenInstr,
        "put": verifier.PutNextInstr,
    }
    return kinds[verb](*things)


def _description(colour, kind, place):
    return verifier.ObjDesc(
        None if kind == "object" else kind, colour or None, _PLACES[place] if place else None
    )


def _max_steps(env):
    if getattr(env, "fixed_max_steps", True):
        return env.max_steps
    rooms = env.num_rows * env.num_cols
    return env.num_navs_needed(env.instrs) * env.room_size**2 * rooms
