"""Fixed observations that every run and arm is asked about, with what is to be drawn over them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rl_attention_envs.backends import choose_backend
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.own_worlds import find_world
from rl_attention_envs.raw import RawObservation
from rl_attention_envs.registry import envpool_ids
from rl_attention_envs.symbols import OBJECTS, THINGS, label
from rl_attention_envs.views import make_view
from rl_attention_envs.views.base import (
    VIEW_SIZE,
    RawBatch,
    View,
    ViewSettings,
    encode_one,
    row_of,
    view_settings,
)
from rl_attention_envs.views.shared import picture_order
from rl_attention_envs.views.tiles import tile_atlas
from rl_attention_envs.vocabulary import mission_bounds, words_of

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

_FRAME_TILE = 32
_FIRST_SEED = 7_000_001
_SEEDS_PER_PROBE = 3
_WALK_LENGTH, _WALK_STRIDE = 120, 10
_DESCRIBED = {
    "labels": "labels",
    "types": "types",
    "boxes": "boxes",
    "frame": "frames",
    "agent_box": "agent_boxes",
    "mission": "missions",
    "words": "words",
}
# left, right, forward, pickup, drop, toggle, done: a walk that gets about and handles things
_ACTION_WEIGHTS = (0.15, 0.15, 0.4, 0.12, 0.03, 0.15, 0.0)


@dataclass(frozen=True, eq=False)
class _State:
    """A raw observation of a walk; ``image`` is `V V 3`, column, row, (type, colour, state)."""

    seed: int
    step: int
    image: NDArray[np.uint8]
    direction: int
    mission: NDArray[np.uint8]

    def things(self) -> frozenset[tuple[int, ...]]:
        """Return the different things in sight; what is carried counts as yet another."""
        size = self.image.shape[0]
        own = size * (size // 2) + size - 1
        cells = self.image.reshape(-1, 3).tolist()
        things = {(*cell, int(index == own)) for index, cell in enumerate(cells)}
        return frozenset(thing for thing in things if OBJECTS[thing[0]] in THINGS)

    def plot(self) -> frozenset[tuple[int, ...]]:
        """Return the things in sight whatever their colours: what the scene is about."""
        return frozenset((kind, state, carried) for kind, _, state, carried in self.things())


def make_probes(
    env_id: str,
    *,
    view: str = "entities",
    n_probes: int = 6,
    max_entities: int = 32,
    agent_view_size: int = VIEW_SIZE,
) -> dict[str, Any]:
    """Make the probe observations of an environment.

    They come from scripted walks in python MiniGrid with seeds of their own, so they are the same
    for every backend, training seed and arm. An id that only EnvPool can run takes them from there.

    Args:
        env_id: An id of ``list_environments``.
        view: A key of ``VIEWS``.
        n_probes: Number `P` of observations.
        max_entities: Rows of the view ``entities``.
        agent_view_size: Side of the square that the agent sees.

    Returns:
        The arguments of a probe set, with a leading axis `P`: ``observations`` as the vector
        environment gives them, ``frames`` `P H W 3`, ``boxes`` `P N 4` (x0, y0, x1, y1 in pixels of
        the frame), ``types`` and ``labels`` `P N`, ``agent_boxes`` `P 4`, ``words`` `P W`,
        ``missions`` and ``names`` `P`. Box-World and Recall have neither ``words`` nor
        ``missions``.

    Raises:
        EnvironmentConfigError: Something asked for is unknown or cannot be had.
    """
    if n_probes < 1:
        raise EnvironmentConfigError(f"n_probes must be at least 1, got {n_probes}")
    choose_backend(env_id, agent_view_size=agent_view_size)
    world = find_world(env_id)
    if world is not None:
        return world.make_probes(
            world.presets[env_id], view=view, n_probes=n_probes, max_entities=max_entities
        )
    bounds = mission_bounds(env_id)
    settings = ViewSettings(bounds.words, bounds.letters, agent_view_size, max_entities)
    shown = make_view(view, settings)
    states = _choose(_collect(env_id, n_probes * _SEEDS_PER_PROBE, agent_view_size), n_probes)
    return _probe_arrays(shown, states)


def describe(view: View, raw: RawObservation) -> dict[str, Any]:
    """Tell what the tokens of one observation show.

    Args:
        view: The view that shows it.
        raw: The raw observation.

    Returns:
        ``labels`` and ``types`` `N`, ``boxes`` `N 4`, ``frame`` `H W 3`, ``agent_box`` `4`,
        ``mission`` and ``words``.
    """
    state = _State(0, 0, raw["image"], int(raw["direction"]), raw["mission"])
    arrays = _probe_arrays(view, [state])
    return {name: arrays[field][0] for name, field in _DESCRIBED.items()}


def show_edited(view: View, raw: RawObservation | None) -> dict[str, Any] | None:
    """Show what ``observe_edited`` gave: the answer of ``edit_entities``.

    Args:
        view: The view that shows it.
        raw: The raw observation; None: nothing was changed.

    Returns:
        ``observation``, without a batch axis, and ``description``, as of ``describe``; None where
        nothing was changed.
    """
    if raw is None:
        return None
    observation = row_of(encode_one(view, raw).observation, 0)
    return {"observation": observation, "description": describe(view, raw)}


def _collect(env_id: str, count: int, agent_view_size: int) -> list[_State]:
    """Walk through ``count`` episodes and take some states of each."""
    venv = _single_environment(env_id, agent_view_size)
    try:
        walks = [_walk(venv, seed) for seed in range(_FIRST_SEED, _FIRST_SEED + count)]
    finally:
        venv.close()
    return [state for walk in walks for state in walk]


def _single_environment(env_id: str, agent_view_size: int) -> "VecEnv":
    from rl_attention_envs.backends.gymnasium import make_gymnasium_vec_env

    try:
        return make_gymnasium_vec_env(env_id, settings=view_settings(agent_view_size))
    except EnvironmentConfigError:
        if env_id not in envpool_ids() or agent_view_size != VIEW_SIZE:
            raise
    from rl_attention_envs.backends.envpool import EnvPoolVecEnv

    return EnvPoolVecEnv(env_id)


def _walk(venv: "VecEnv", seed: int) -> list[_State]:
    rng = np.random.default_rng(seed)
    actions = int(venv.action_space.n)  # type: ignore[attr-defined]
    weights = np.array(_ACTION_WEIGHTS[:actions])
    venv.seed(seed)
    raw: Any = venv.reset()
    states = [_state(raw, seed, 0)]
    for step in range(1, _WALK_LENGTH + 1):
        raw, _, dones, _ = venv.step(np.array([rng.choice(actions, p=weights / weights.sum())]))
        if dones[0]:
            break
        if step % _WALK_STRIDE == 0:
            states.append(_state(raw, seed, step))
    return states


def _state(raw: Any, seed: int, step: int) -> _State:
    return _State(
        seed, step, raw["image"][0].copy(), int(raw["direction"][0]), raw["mission"][0].copy()
    )


def _choose(states: list[_State], count: int) -> list[_State]:
    """Pick states one by one: new pictures, missions and plots first, then the richest."""
    left, chosen = list(states), list[_State]()
    pictures: set[bytes] = set()
    missions: set[bytes] = set()
    plots: set[frozenset[tuple[int, ...]]] = set()

    def worth(state: _State) -> tuple[bool, bool, bool, int]:
        return (
            state.image.tobytes() not in pictures,
            _mission(state) not in missions,
            state.plot() not in plots,
            len(state.things()),
        )

    for _ in range(count):
        best = max(left, key=worth)
        left.remove(best)
        chosen.append(best)
        pictures.add(best.image.tobytes())
        missions.add(_mission(best))
        plots.add(best.plot())
    return chosen


def _mission(state: _State) -> bytes:
    return state.mission.tobytes()


def _probe_arrays(view: View, states: list[_State]) -> dict[str, Any]:
    size, slots = view.settings.view_size, view.settings.words
    images = np.stack([state.image for state in states])
    missions = np.stack([state.mission for state in states])
    directions = np.array([state.direction for state in states])
    observations = view.encode(
        RawBatch(images, directions, view.mission_coder(missions))
    ).observation
    cells = picture_order(images).reshape(len(states), size * size, 3)
    tokens = view.token_cells(observations)
    sentences = [_mission(state).rstrip(b"\0").decode("ascii") for state in states]
    words = [words_of(sentence) for sentence in sentences]
    return {
        "observations": observations,
        "frames": tile_atlas(_FRAME_TILE).draw(images),
        "boxes": _boxes(tokens, size),
        "types": _texts(cells, tokens, lambda kind, colour, state: OBJECTS[kind], "<U16"),
        "labels": _texts(cells, tokens, label, "<U32"),
        "agent_boxes": _boxes(np.full(len(states), size * size - 1 - size // 2), size),
        "words": np.array([row + [""] * (slots - len(row)) for row in words], "<U16"),
        "missions": np.array(sentences),
        "names": np.array([f"seed {state.seed} step {state.step}" for state in states]),
    }


def _boxes(tokens: NDArray[np.intp], size: int) -> NDArray[np.int32]:
    """Return the corners of cells in the frame, zeros for -1."""
    row, column = np.divmod(tokens, size)
    corners = np.stack([column, row, column + 1, row + 1], axis=-1) * _FRAME_TILE
    return np.where(tokens[..., None] < 0, 0, corners).astype(np.int32)


def _texts(
    cells: NDArray[np.uint8], tokens: NDArray[np.intp], name: Any, dtype: str
) -> NDArray[np.str_]:
    """Name the content of the cell behind every token, empty for -1."""
    texts = np.zeros(tokens.shape, dtype)
    for probe, token in zip(*np.nonzero(tokens >= 0), strict=True):
        texts[probe, token] = name(*cells[probe, tokens[probe, token]].tolist())
    return texts
