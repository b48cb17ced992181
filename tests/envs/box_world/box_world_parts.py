"""Parameters to draw from, a level drawn by hand, and a solver of its own."""

from collections import deque

from hypothesis import strategies as st

from rl_attention_envs.box_world import GEM, Box, BoxWorldParams, Level

UP, RIGHT, DOWN, LEFT = range(4)
STEPS = {UP: (-1, 0), RIGHT: (0, 1), DOWN: (1, 0), LEFT: (0, -1)}

RED, GREEN, BLUE = 1, 2, 3
# . . . . .      the agent takes the red key, opens the red lock at (2, 1), takes the green key
# A . k . .      at (2, 0) and opens the green lock at (4, 1); the red lock at (4, 4) leads nowhere
# g R . . .
# . . . . .
# * G . b R
HAND_SIZE = 5
HAND_PARAMS = {"size": HAND_SIZE, "solution_length": 2, "n_branches": 1, "n_colours": 3}
HAND_LEVEL = Level(
    agent=(1, 0),
    key=(1, 2),
    key_colour=RED,
    boxes=(
        Box(2, 1, lock=RED, content=GREEN),
        Box(4, 1, lock=GREEN, content=GEM),
        Box(4, 4, lock=RED, content=BLUE, on_path=False),
    ),
)


@st.composite
def params(draw, required=None):
    """Draw parameters for which there is room."""
    size = draw(st.integers(6, 12))
    required = draw(st.booleans()) if required is None else required
    shortest = draw(st.integers(2 if required else 1, 3))
    longest = draw(st.integers(shortest, 3 if size < 8 else 4))
    fewest = draw(st.integers(0, 1))
    most = draw(st.integers(fewest, 1 if size < 8 else 2))
    n_colours = draw(st.integers(longest + most + 3, 20))
    apart = draw(st.integers(1, n_colours - 1))
    pairs = [((lock + apart) % n_colours + 1, lock + 1) for lock in range(n_colours)]
    held_back = draw(st.integers(1 if required else 0, len(pairs)))
    return BoxWorldParams(
        size=size,
        solution_length=(shortest, longest),
        n_branches=(fewest, most),
        branch_length=draw(st.sampled_from([1, (1, 2)])) if size > 9 and n_colours > 10 else 1,
        n_colours=n_colours,
        withheld=pairs[:held_back],
        require_withheld=required,
    )


class Board:
    """A level as plain dictionaries, made from what was written down."""

    def __init__(self, level):
        self.agent, self.held = level.agent, 0
        self.loose = {level.key: level.key_colour}
        self.locks = {(box.row, box.column): box.lock for box in level.boxes}
        self.locked = {(box.row, box.column - 1): box.content for box in level.boxes}


def way(board, goal, size):
    """The shortest way of the agent to a cell, around what is closed; None: there is none."""
    shut = (set(board.locks) | set(board.locked)) - {goal}
    seen, queue = {board.agent: []}, deque([board.agent])
    while queue:
        at = queue.popleft()
        if at == goal:
            return seen[at]
        for action, (down, right) in STEPS.items():
            to = (at[0] + down, at[1] + right)
            if to not in seen and to not in shut and min(to) >= 0 and max(to) < size:
                seen[to] = [*seen[at], action]
                queue.append(to)
    return None


def ways_to_the_gem(level):
    """Every order of boxes that ends at the gem, each key being used once."""
    found = []

    def follow(colour, boxes):
        if colour == GEM:
            found.append(boxes)
            return
        for box in level.boxes:
            if box.lock == colour and box not in boxes:
                follow(box.content, [*boxes, box])

    follow(level.key_colour, [])
    return found


def solve(level, size):
    """The actions that take the gem, and the boxes opened; fails if it cannot be reached."""
    (boxes,) = ways_to_the_gem(level)
    board, actions = Board(level), []

    def walk(goal):
        steps = way(board, goal, size)
        assert steps is not None, f"no way to {goal} in {level}"
        board.agent = goal
        actions.extend(steps)

    walk(level.key)
    for box in boxes:
        walk((box.row, box.column))
        del board.locks[box.row, box.column]
        del board.locked[box.row, box.column - 1]
        walk((box.row, box.column - 1))
    return actions, boxes


def next_action(game, size, wrong=False):
    """What a player does next: take what lies loose, else open the box that matches the key."""
    goals = list(game.loose) if not game.held else []
    if not goals:
        fitting = {at: on_path for at, (lock, on_path) in game.locks.items() if lock == game.held}
        goals = [at for at, on_path in fitting.items() if on_path != wrong] or list(fitting)
    return (way(game, goals[0], size) or [UP])[0]
