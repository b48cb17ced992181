"""The wrapper that shows either backend's raw observations through a view."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rl_attention_envs.edits import parse_edit
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.probes import describe, show_edited
from rl_attention_envs.views.base import Encoded, RawBatch, View, row_of
from rl_attention_envs.what_if import METHOD, NOT_BEGUN, RAW_METHOD, REFUSAL

_DESCRIBE = "describe_entities"


class ViewVecEnv(VecEnvWrapper):
    """Shows a vector environment of raw observations through a view.

    Missions change at resets only, so between them their coded rows are kept.

    Args:
        venv: Either backend's vector environment.
        view: The view.

    Attributes:
        entity_overflow: Things dropped so far for want of room, by environment.
    """

    def __init__(self, venv: VecEnv, view: View) -> None:
        super().__init__(venv, observation_space=view.observation_space)
        self.view = view
        self.entity_overflow = np.zeros(venv.num_envs, np.int64)
        self._raw: Any = None
        self._missions = np.zeros(
            (venv.num_envs, view.mission_coder.width), view.mission_coder.dtype
        )

    def reset(self) -> VecEnvObs:
        """Begin a new episode in every environment.

        Returns:
            Observations of the view's space, with a leading batch axis.
        """
        raw = self.venv.reset()
        self._raw = raw
        self._missions = self.view.mission_coder(raw["mission"])  # type: ignore[call-overload]
        observation, dropped = self._encode(raw, self._missions)
        if dropped is not None:
            self.entity_overflow += dropped
        return observation

    def step_wait(self) -> VecEnvStepReturn:
        """Wait for the step of every environment.

        Returns:
            Observations, rewards, dones and infos; a finished environment's info holds its last
            observation as ``terminal_observation``.
        """
        raw, rewards, dones, infos = self.venv.step_wait()
        self._raw = raw
        finished = np.flatnonzero(dones)
        if len(finished):
            self._show_last(finished, infos)
            self._missions[finished] = self.view.mission_coder(raw["mission"][finished])  # type: ignore[call-overload]
        observation, dropped = self._encode(raw, self._missions)
        if dropped is not None and dropped.any():
            self._count(np.arange(self.num_envs), dropped, infos)
        return observation, rewards, dones, infos

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the environments; ``entity_overflow`` is kept by this wrapper.

        Args:
            attr_name: The name.
            indices: Which environments; None means all.
        """
        if attr_name == "entity_overflow":
            return [int(self.entity_overflow[i]) for i in self._get_indices(indices)]
        return self.venv.get_attr(attr_name, indices)

    def has_attr(self, attr_name: str) -> bool:
        """Tell whether ``get_attr`` knows an attribute.

        Args:
            attr_name: The name.
        """
        if attr_name == METHOD:
            return self.venv.has_attr(RAW_METHOD)
        return attr_name in ("entity_overflow", _DESCRIBE) or self.venv.has_attr(attr_name)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **options: Any
    ) -> list[Any]:
        """Call a method of the environments.

        ``describe_entities`` and ``edit_entities`` are answered by this wrapper.

        Args:
            method_name: The name.
            *method_args: Its arguments.
            indices: Which environments; None means all.
            **options: Its keyword arguments.

        Raises:
            EnvironmentConfigError: Entities are asked for before the first episode, or an edit
                cannot be read or not be done by this backend.
        """
        if method_name == METHOD:
            return self._edited(indices, *method_args, **options)
        if method_name != _DESCRIBE:
            return self.venv.env_method(method_name, *method_args, indices=indices, **options)
        if self._raw is None:
            raise EnvironmentConfigError(
                "describe_entities: expected an episode that has begun: call reset first"
            )
        chosen = self._get_indices(indices)
        rows = ({key: part[i] for key, part in self._raw.items()} for i in chosen)
        return [describe(self.view, row) for row in rows]

    def _edited(self, indices: VecEnvIndices, edit: str) -> list[dict[str, Any] | None]:
        """Ask the environments for their edited states, and show these through the view."""
        if not self.has_attr(METHOD):
            raise EnvironmentConfigError(f"{REFUSAL}: make them with backend='gymnasium'")
        if self._raw is None:
            raise EnvironmentConfigError(NOT_BEGUN)
        # a text that cannot be read must say so here, and not end a worker process
        raws = self.venv.env_method(RAW_METHOD, parse_edit(edit), indices=indices)
        return [show_edited(self.view, raw) for raw in raws]

    def _encode(self, raw: Any, missions: NDArray[Any]) -> Encoded:
        return self.view.encode(RawBatch(raw["image"], raw["direction"], missions))

    def _show_last(self, finished: NDArray[np.intp], infos: Sequence[dict[str, Any]]) -> None:
        """Put the view's form of the last observations in the place of the raw ones."""
        last = [infos[i]["terminal_observation"] for i in finished]
        raw = {key: np.stack([row[key] for row in last]) for key in ("image", "direction")}
        observation, dropped = self._encode(raw, self._missions[finished])
        for row, index in enumerate(finished):
            infos[index]["terminal_observation"] = row_of(observation, row)
        if dropped is not None and dropped.any():
            self._count(finished, dropped, infos)

    def _count(
        self,
        environments: NDArray[np.intp],
        dropped: NDArray[np.int64],
        infos: Sequence[dict[str, Any]],
    ) -> None:
        self.entity_overflow[environments] += dropped
        for index, count in zip(environments, dropped, strict=True):
            if count:
                infos[index]["entity_overflow"] = infos[index].get("entity_overflow", 0) + int(
                    count
                )
