"""The environment behind the ids ``MemoryCue-*``."""

import numpy as np
from minigrid.envs.memory import MemoryEnv


class MemoryCueEnv(MemoryEnv):
    """MiniGrid's Memory whose agent always begins beside the cue.

    MiniGrid draws the place where the agent begins from the whole way, and lets it look away from
    the cue, so that most episodes begin with a search. Here it begins in the column of the cue,
    looking along the hallway, which is one of MiniGrid's own beginnings: the cue is in sight, to
    its left, in the first observation and behind it after a step forward. All else is drawn and
    played as there, and equal seeds give equal grids.
    """

    def _gen_grid(self, width: int, height: int) -> None:
        super()._gen_grid(width, height)  # type: ignore[no-untyped-call]
        self.agent_pos = np.array((1, height // 2))
