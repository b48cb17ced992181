"""Steps and probes made up from a seed: what they say holds together as in a real replay."""

import numpy as np

from rl_attention.viewer import (
    Entity,
    Moment,
    Probe,
    Step,
    StepScore,
    Weights,
    Without,
    pack_frame,
    pack_weights,
)

CELL = 28
VIEW = 7
ACTIONS = ["turn left", "turn right", "move forward", "pick up", "drop", "toggle", "done"]
COLOURS = {
    "red": (220, 50, 47),
    "green": (60, 160, 70),
    "blue": (60, 100, 220),
    "purple": (150, 70, 200),
    "yellow": (220, 200, 60),
    "grey": (140, 140, 150),
}
KINDS = ["ball", "key", "box", "door"]


def draw_frame(places, agent=(3, 6)):
    """A grid seen from above, an object at each place."""
    frame = np.full((VIEW * CELL, VIEW * CELL, 3), 30, np.uint8)
    frame[::CELL], frame[:, ::CELL] = 60, 60
    for (x, y), (colour, kind) in places.items():
        inset = 4 + 3 * KINDS.index(kind)
        top, left = y * CELL + inset, x * CELL + inset
        frame[top : (y + 1) * CELL - inset, left : (x + 1) * CELL - inset] = COLOURS[colour]
    x, y = agent
    frame[y * CELL + 6 : (y + 1) * CELL - 6, x * CELL + 6 : (x + 1) * CELL - 6] = (255, 90, 80)
    return frame


def box_of(x, y):
    return [float(edge) for edge in (x * CELL, y * CELL, (x + 1) * CELL, (y + 1) * CELL)]


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def rounded(values):
    return [round(float(value), 5) for value in values]


class Maker:
    """Makes the steps of one run.

    Args:
        seed: Of everything that is drawn.
        n_entities: At most.
        layers: Layers of the run.
        maps: Maps of the run.
        frames: Whether there are any.
        places: Whether entities have a place where there are no frames.
        continuous: Whether actions are.
        words: Of the mission.
        labels: Names of entities instead of their looks.
    """

    def __init__(
        self,
        seed,
        *,
        n_entities=6,
        layers=(),
        maps=(),
        frames=True,
        places=True,
        continuous=False,
        words=(),
        labels=(),
    ):
        self.rng = np.random.default_rng(seed)
        self.n_entities, self.layers, self.maps = n_entities, layers, maps
        self.has_frames, self.has_places, self.continuous = frames, places, continuous
        self.words, self.labels = list(words), labels
        self.frames = []
        self.gain = self.rng.normal(size=(8, 8))

    def scene(self, shift=0):
        cells = self.rng.permutation(VIEW * (VIEW - 1))[: self.n_entities - shift % 3]
        places = {
            (int(c % VIEW), int(c // VIEW)): (
                str(self.rng.choice(list(COLOURS))),
                str(self.rng.choice(KINDS)),
            )
            for c in cells
        }
        entities = [
            Entity(
                slot=slot,
                label=self.labels[slot] if slot < len(self.labels) else f"{colour} {kind}",
                type=kind,
                box=box_of(x, y) if self.has_frames else None,
                place=[float(x), float(y)] if self.has_places and not self.has_frames else None,
            )
            for slot, ((x, y), (colour, kind)) in enumerate(places.items())
        ]
        if self.has_frames:
            self.frames.append(pack_frame(draw_frame(places)))
        return {
            "frame": len(self.frames) - 1 if self.has_frames else None,
            "mission": " ".join(self.words),
            "words": self.words,
            "entities": entities,
            "agent_box": box_of(3, 6) if self.has_frames else None,
        }

    def weights(self, scene, sharp=2.0):
        entities = [f"e{entity.slot}" for entity in scene["entities"]]
        words = [f"w{i}" for i in range(len(self.words))]
        found = []
        for layer in self.layers:
            if layer.id[0] == "w":
                queries, keys = ["g", *entities], words
            elif layer.title.startswith("pooling"):
                queries, keys = ["q"], entities
            else:
                queries, keys = ["g", *entities], ["g", *entities]
            scores = self.rng.normal(size=(layer.heads, len(queries), len(keys))) * sharp
            packed = pack_weights(softmax(scores)) if keys else ""
            found.append(Weights(queries=queries, keys=keys, weights=packed))
        return found

    def decision(self, scores):
        if self.continuous:
            return {"mean": rounded(scores[:2]), "std": rounded(np.exp(scores[2:4] - 1))}
        return {"probabilities": rounded(softmax(scores[: len(ACTIONS)] * 2))}

    def step(self, episode, t, last):
        scene = self.scene(t)
        n = len(scene["entities"])
        base = self.rng.normal(size=8)
        effects = self.rng.gamma(0.5, size=n)
        value = round(float(0.9 - 0.6 / (1 + t) + 0.05 * self.rng.normal()), 5)
        without = [
            self.without(base + effect * self.rng.normal(size=8), base, float(effect), value)
            for effect in effects
        ]
        decision = self.decision(base)
        if self.continuous:
            action = rounded(np.array(decision["mean"]) + 0.1)
        else:
            action = int(np.argmax(decision["probabilities"]))
        values = {found.id: self.map_values(found, effects) for found in self.maps}
        best = int(np.argmax(effects)) if n else -1
        return Step(
            episode=episode,
            t=t,
            **scene,
            layers=self.weights(scene),
            values=values,
            **decision,
            value=value,
            action=action,
            reward=(0.9 if last else -0.1 if t % 5 == 3 else 0.0),
            done=last,
            success=True if last else None,
            without=without,
            scores={
                name: StepScore(
                    F=None if t % 4 == 1 else round(float(self.rng.normal(0.6, 0.2)), 4),
                    hit=bool(n and int(np.argmax(numbers)) == best),
                )
                for name, numbers in values.items()
            },
        )

    def map_values(self, found, effects):
        if found.id == "occlusion":
            return rounded(effects)
        noisy = effects + self.rng.gamma(0.3, size=len(effects))
        if found.signed:
            return rounded(noisy - 0.8)
        return rounded(noisy / max(noisy.sum(), 1e-9) * 0.9)

    def without(self, scores, base, effect, value):
        then, now = self.decision(scores), self.decision(base)
        drop = 0.1
        flip = effect > 1
        if not self.continuous:
            chosen = int(np.argmax(now["probabilities"]))
            drop = now["probabilities"][chosen] - then["probabilities"][chosen]
            flip = int(np.argmax(then["probabilities"])) != chosen
        fall = round(0.1 * effect, 5)
        return Without(
            **then,
            value=round(value - fall, 5),
            kl=round(effect, 5),
            js=round(min(effect / 3, 0.69), 5),
            drop=round(drop, 5),
            value_change=fall,
            flip=flip,
        )

    def probe(self, name, steps):
        scene = self.scene()
        moments = [
            Moment(step=step, layers=self.weights(scene, sharp=0.2 + 3 * i / len(steps)))
            for i, step in enumerate(steps)
        ]
        return Probe(name=name, **scene, moments=moments)
