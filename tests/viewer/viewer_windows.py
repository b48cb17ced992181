"""Replays of a network that reads past frames, made up from a seed."""

from viewer_maker import Maker
from viewer_samples import LAYERS, make_run

from rl_attention.recording.tokens import when
from rl_attention.viewer import Entity, Replay

ROWS = 4


class WindowMaker(Maker):
    """Makes steps whose tokens are those of the last steps of the episode, and these steps.

    Args:
        seed: Of everything that is drawn.
        n_frames: Length of the window.
        summary: Whether a step is one token.
        options: As `Maker` has them.
    """

    def __init__(self, seed, *, n_frames, summary=False, **options):
        super().__init__(seed, n_entities=ROWS, **options)
        self.n_frames, self.summary, self.seen = n_frames, summary, []

    def scene(self, shift=0):
        scene = super().scene(shift)
        self.seen = [*self.seen, scene["entities"]][-self.n_frames :]
        return {**scene, "entities": self._window()}

    def step(self, episode, t, last):
        if t == 0:
            self.seen = []
        return super().step(episode, t, last)

    def probe(self, name, steps):
        self.seen = []
        for _ in range(self.n_frames - 1):
            self.scene()
        return super().probe(name, steps)

    def _window(self):
        first = self.n_frames - len(self.seen)
        rows = [
            entity.model_copy(
                update={
                    "slot": (first + i) * ROWS + entity.slot,
                    "label": f"{when(i + 1 - len(self.seen))} {entity.label}",
                    "box": entity.box if i + 1 == len(self.seen) else None,
                    "step": i + 1 - len(self.seen),
                }
            )
            for i, frame in enumerate(self.seen)
            for entity in frame
        ]
        before = 0 if self.summary else self.n_frames * ROWS
        steps = [
            Entity(
                slot=before + first + i,
                label=f"{when(i + 1 - len(self.seen))} step",
                type="step",
                step=i + 1 - len(self.seen),
            )
            for i in range(len(self.seen))
        ]
        return steps if self.summary else [*rows, *steps]


def make_window_run(seed=10, *, n_frames=8, lengths=(12, 6), **options):
    """Make a run as `make_run` does, of a network that reads past frames."""
    made = {"n_frames": n_frames, "maker": WindowMaker, "lengths": lengths}
    return make_run(seed, **{"name": "attention_ppo_s0", "env": "Recall-8-v0", **made, **options})


def window():
    return Replay(title="Eight frames, and the rows of each", runs=[make_window_run()])


def window_summary():
    run = make_window_run(
        11, n_frames=40, lengths=(60,), summary=True, layers=LAYERS[1:3], n_probes=1
    )
    return Replay(title="Forty frames, a token each", runs=[run])


def window_alone():
    run = make_window_run(12, frames=False, places=False, n_frames=4, words=(), layers=LAYERS[:3])
    return Replay(title="Four frames without pictures", runs=[run])


WINDOWS = {"window": window, "window_summary": window_summary, "window_alone": window_alone}
