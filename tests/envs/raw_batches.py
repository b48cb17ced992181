"""Random raw observations, real and made up."""

import numpy as np
from hypothesis import strategies as st

from rl_attention_envs.views.base import RawBatch


def walk(env, steps, seed=0):
    """Yield the raw observation after every step of a random walk that handles things."""
    rng = np.random.default_rng(seed)
    yield env.reset(seed=seed)[0]
    weights = np.array([0.15, 0.15, 0.4, 0.12, 0.03, 0.15, 0.0])[: env.action_space.n]
    for _ in range(steps):
        raw, _, terminated, truncated, _ = env.step(
            rng.choice(len(weights), p=weights / weights.sum())
        )
        yield raw
        if terminated or truncated:
            yield env.reset()[0]


def stack(view, observations):
    """Make the batch that a view is given from single raw observations."""
    image, direction, mission = (
        np.stack([raw[key] for raw in observations]) for key in ("image", "direction", "mission")
    )
    return RawBatch(image, direction, view.mission_coder(mission))


@st.composite
def images(draw, size=7):
    """Draw a batch of symbolic views; any cell can hold anything."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch = draw(st.integers(1, 4))
    share = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    shape = (batch, size, size)
    things = np.stack(
        [rng.integers(4, 10, shape), rng.integers(0, 6, shape), rng.integers(0, 3, shape)], axis=-1
    )
    rest = np.stack(
        [rng.integers(0, 4, shape), rng.integers(0, 6, shape), np.zeros(shape, int)], axis=-1
    )
    return np.where(rng.random(shape)[..., None] < share, things, rest).astype(np.uint8)
