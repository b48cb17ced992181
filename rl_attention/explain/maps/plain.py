"""Maps that do not look into the network: what every other map has to beat."""

import numpy as np
from numpy.typing import NDArray

from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps.recorded import on_entities
from rl_attention.explain.subject import Subject


def nearest_map(subject: Subject) -> dict[str, Floats]:
    """Give minus the distance between the centres of the boxes of entity and agent.

    What lies outside the picture has an empty box: it counts as far as the farthest entity of all
    states.

    Args:
        subject: The model and the states.

    Returns:
        `nearest`, in the units of the boxes; none where the states do not say where things are.
    """
    boxes, agents = subject.states.boxes, subject.states.agent_boxes
    if boxes is None or agents is None:
        return {}
    away = np.linalg.norm(_centres(boxes) - _centres(agents)[:, None], axis=2)
    seen = _is_seen(boxes) & _is_seen(agents)[:, None] & subject.present
    farthest = away[seen].max(initial=0.0)
    return {"nearest": on_entities(subject, -np.where(seen, away, farthest))}


def random_map(subject: Subject) -> dict[str, Floats]:
    """Draw a number for each entity: `random`.

    Args:
        subject: The model and the states.
    """
    return {
        "random": on_entities(
            subject, subject.generator("random map").random(subject.present.shape)
        )
    }


def _centres(boxes: NDArray[np.integer]) -> Floats:
    corners = boxes.astype(np.float64)
    return np.asarray((corners[..., :2] + corners[..., 2:]) / 2)


def _is_seen(boxes: NDArray[np.integer]) -> NDArray[np.bool_]:
    return np.asarray((boxes[..., 2:] > boxes[..., :2]).all(axis=-1))
