"""One Recall as plainly as can be, parameters to draw from, and policies."""

import numpy as np
from hypothesis import strategies as st

from rl_attention_envs.recall import RecallParams

CUE, QUESTION = 1, 2


@st.composite
def params(draw):
    """Draw parameters."""
    fewest = draw(st.integers(1, 6))
    return RecallParams(
        distance=draw(st.integers(1, 12)),
        n_colours=draw(st.integers(2, 6)),
        n_distractors=(fewest, draw(st.integers(fewest, 8))),
    )


class PlainRecall:
    """One episode being played; what is right is read from the cue that was shown."""

    def __init__(self, episode):
        self.scenes = [
            [tuple(thing) for thing in scene if thing[0]] for scene in episode.scenes.tolist()
        ]
        ((_, colour, *_),) = self.scenes[0]
        self.right = colour - 1
        self.now = 0

    def things(self):
        return self.scenes[self.now]

    def act(self, action):
        """Return reward, whether the episode is over, and whether it was solved."""
        if self.now < len(self.scenes) - 1:
            self.now += 1
            return 0.0, False, False
        return float(action == self.right), True, action == self.right


class Rememberer:
    """Answers with the colour of the last cue that each environment showed."""

    def __init__(self, n_envs):
        self.colours = np.zeros(n_envs, int)

    def act(self, entities):
        cue = entities[:, 0, 0] == CUE
        self.colours[cue] = entities[cue, 0, 1] - 1
        return self.colours.copy()


def things_of(entities, mask):
    return [tuple(thing) for thing in entities[mask == 1].tolist()]
