"""The states that a model is asked about: those it comes to by itself."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.explain.acting import check_askable
from rl_attention.recording import ProbeSet
from rl_attention.recording.descriptions import METHOD

EDIT = "edit_entities"
"""The method of an environment that says what a state would be after an edit.

It takes the edit as a text and returns None where nothing fits it, or a dict with the `observation`
and its `description` (what `describe_entities` would say); the environment itself stays as it is.
"""


@dataclass(frozen=True, eq=False)
class States:
    """States of some episodes.

    Attributes:
        probes: The observations, with what the environment says of them; `P` states.
        episodes: The episode of each, `P`.
        steps: How many steps of it had been taken, `P`.
        actions: What the policy did, `P ...`.
        rewards: What it got for it, `P`.
        dones: Whether the episode was over after it, `P`.
        successes: Whether the episode reached its goal, where one ended and said so: `P` of 1, 0,
            and NaN everywhere else.
        edited: What the environment said the state would be after an edit, one answer a state (see
            `EDIT`); None where no edit was asked for.
    """

    probes: ProbeSet
    episodes: NDArray[np.intp]
    steps: NDArray[np.intp]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    dones: NDArray[np.bool_]
    successes: NDArray[np.float64]
    edited: tuple[Any, ...] | None = None

    def __len__(self) -> int:
        return len(self.episodes)

    def take(self, rows: Any) -> "States":
        """Choose states, in the order given."""
        rows = np.asarray(rows)
        parts = (self.steps, self.actions, self.rewards, self.dones, self.successes)
        edited = None if self.edited is None else tuple(self.edited[row] for row in rows)
        probes, episodes = self.probes.take(rows), self.episodes[rows]
        steps, actions, rewards, dones, successes = (part[rows] for part in parts)
        return States(probes, episodes, steps, actions, rewards, dones, successes, edited)

    def thin(self, most: int, generator: np.random.Generator) -> "States":
        """Draw at most so many states, in their order; all of them if there are no more."""
        if len(self) <= most:
            return self
        return self.take(np.sort(generator.choice(len(self), most, replace=False)))


def collect_states(
    model: Any,
    env: Any,
    *,
    n_episodes: int,
    deterministic: bool = True,
    edit: str | None = None,
    max_steps: int = 100_000,
) -> States:
    """Let a model act, and keep every observation that it acts on.

    Args:
        model: A Stable-Baselines3 algorithm.
        env: A vector environment that shows what the model was trained on, such as
            `model.get_env()`; behind `VecNormalize` observations are kept as they are before it.
        n_episodes: Episodes, an equal share for each environment, so that short ones are not
            favoured.
        deterministic: Take the likeliest action.
        edit: Also ask in each state what it would be after this edit.
        max_steps: Steps of each environment after which unfinished episodes are left.

    Raises:
        UserError: There is no episode to play, none ended in time, or no state can be edited; the
            model is recurrent or has action masks, so that it would act otherwise than by itself.
    """
    check_askable(model)
    if n_episodes < 1:
        raise UserError(f"n_episodes must be at least 1, got {n_episodes}")
    if not hasattr(env, "num_envs"):
        raise UserError(
            f"expected a vector environment, got {type(env).__name__}; wrap it in DummyVecEnv, or "
            "give the model one"
        )
    if edit is not None and not offers(env, EDIT):
        raise UserError(
            f"expected an environment whose states can be edited (one that offers {EDIT}), got one "
            "that does not; of MiniGrid, take the backend gymnasium"
        )
    keeper = _Keeper(env, n_episodes, edit)
    observation = env.reset()
    for _ in range(max_steps):
        keeper.see(observation)
        actions, _ = model.predict(observation, deterministic=deterministic)
        observation, rewards, dones, infos = env.step(actions)
        keeper.count(actions, rewards, dones, infos)
        if keeper.full:
            break
    return keeper.states()


class _Keeper:
    """Keeps the steps of the episodes that are wanted, environment by environment."""

    def __init__(self, env: Any, n_episodes: int, edit: str | None) -> None:
        n_envs = env.num_envs
        self._env = env
        self._edit = edit
        self._named = offers(env, METHOD)
        self._quota = np.array([(n_episodes + i) // n_envs for i in range(n_envs)])
        self._ended = np.zeros(n_envs, np.intp)
        self._step = np.zeros(n_envs, np.intp)
        self._rows: list[list[dict[str, Any]]] = [[] for _ in range(n_envs)]
        self._finished: list[list[dict[str, Any]]] = []
        self._open = self._quota > 0

    @property
    def full(self) -> bool:
        """Whether every environment has ended its share."""
        return not self._open.any()

    def see(self, observation: Any) -> None:
        """Keep what the open environments show."""
        shown = _original(self._env, observation)
        chosen = np.flatnonzero(self._open).tolist()
        nothing = [None] * len(chosen)
        said = self._env.env_method(METHOD, indices=chosen) if self._named else nothing
        edited = nothing
        if self._edit is not None:
            edited = self._env.env_method(EDIT, self._edit, indices=chosen)
        for index, answer, other in zip(chosen, said, edited, strict=True):
            row = {"seen": _row(shown, index), "said": answer, "edited": other}
            self._rows[index].append(row)

    def count(self, actions: Any, rewards: Any, dones: Any, infos: Any) -> None:
        """Keep what was done, and what came of it."""
        for index in np.flatnonzero(self._open):
            row = self._rows[index][-1]
            success = infos[index].get("is_success") if dones[index] else None
            row |= {
                "step": int(self._step[index]),
                "action": np.array(actions[index]),
                "reward": float(rewards[index]),
                "done": bool(dones[index]),
                "success": float("nan") if success is None else float(success),
            }
            self._step[index] += 1
            if dones[index]:
                self._finished.append(self._rows[index])
                self._rows[index], self._step[index] = [], 0
                self._ended[index] += 1
        self._open = self._ended < self._quota

    def states(self) -> States:
        """Put the finished episodes together."""
        if not self._finished:
            raise UserError("expected at least one episode to end, but none did: raise max_steps")
        rows = [row for episode in self._finished for row in episode]
        lengths = [len(episode) for episode in self._finished]
        said = [row["said"] for row in rows] if self._named else None
        seen = [row["seen"] for row in rows]
        return States(
            probes=ProbeSet.from_observations(_stack(seen), said),
            episodes=np.repeat(np.arange(len(lengths)), lengths),
            steps=np.array([row["step"] for row in rows]),
            actions=np.stack([row["action"] for row in rows]),
            rewards=np.array([row["reward"] for row in rows]),
            dones=np.array([row["done"] for row in rows]),
            successes=np.array([row["success"] for row in rows]),
            edited=None if self._edit is None else tuple(row["edited"] for row in rows),
        )


def offers(env: Any, name: str) -> bool:
    """Tell whether the environments have an attribute or a method of a name."""
    try:
        return bool(env.has_attr(name))
    except Exception:  # a vector environment without objects may refuse the question
        return False


def find_wrapper(env: Any) -> Any | None:
    """Return the `VecNormalize` among the wrappers of an environment; None if there is none."""
    while env is not None and not hasattr(env, "get_original_obs"):
        env = getattr(env, "venv", None)
    return env


def _original(env: Any, observation: Any) -> Any:
    """Undo `VecNormalize`, wherever it stands among the wrappers."""
    normalizer = find_wrapper(env)
    return observation if normalizer is None else normalizer.get_original_obs()


def _row(observations: Any, index: int) -> Any:
    if isinstance(observations, dict):
        return {key: np.array(values[index]) for key, values in observations.items()}
    return np.array(observations[index])


def _stack(rows: list[Any]) -> Any:
    if isinstance(rows[0], dict):
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return np.stack(rows)
