"""From a run folder to a replay of some of its episodes."""

from pathlib import Path
from typing import Any

import numpy as np

from rl_attention.experiment.environments import derive_seed
from rl_attention.experiment.explaining import name_actions, opened, play, with_empty
from rl_attention.experiment.loading import LoadedRun
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.explain import MeasuringOptions, States, make_replay
from rl_attention.explain.replay.layers import describe_layers, weights_of
from rl_attention.explain.replay.scenes import (
    Frames,
    agent_box,
    entities_of,
    mission_of,
    words_of,
)
from rl_attention.explain.slots import Slots
from rl_attention.recording import (
    ProbeSet,
    complete,
    find_extractor,
    list_snapshots,
    read_snapshot,
    read_tokens,
)
from rl_attention.viewer import Replay
from rl_attention.viewer.schema import Moment, Probe

MOST_STEPS = 1_000
"""Steps of a replay; a page of more is slow to open."""


def replay_run(
    folder: Path,
    *,
    n_episodes: int = 3,
    seed: int | None = None,
    deterministic: bool | None = None,
    best: bool = False,
    device: str | None = None,
    options: MeasuringOptions | None = None,
) -> Replay:
    """Play episodes of a run, and put everything together that is known of each decision.

    Args:
        folder: A run folder.
        n_episodes: Episodes, one after the other in one environment; what goes beyond `MOST_STEPS`
            is left out.
        seed: Of the episodes; None: that of the run's evaluation.
        deterministic: How they are played; None: as the run's evaluation says.
        best: Take the best checkpoint.
        device: Where to compute; None: as in training.
        options: What is measured.

    Raises:
        UserError: The run cannot be opened, or there is nothing to look at.
    """
    options = options or MeasuringOptions()
    with opened(folder, best=best, device=device) as loaded:
        states = play(
            loaded, n_episodes=n_episodes, deterministic=deterministic, n_envs=1, seed=seed
        )
        states = states.take(np.arange(min(len(states), MOST_STEPS)))
        frames = Frames()
        config = loaded.config
        replay = make_replay(
            loaded.model,
            states,
            name=folder.resolve().name,
            env=config.env.id,
            arm=config.name,
            seed=derive_seed(config.seed if seed is None else seed, 1),
            actions=name_actions(loaded),
            places=_places(loaded, states),
            options=with_empty(loaded, options),
            frames=frames,
        )
        (run,) = replay.runs
        probes = _read_probes(RunFolder(folder), loaded, frames)
    whole = run.model_copy(update={"probes": probes, "frames": frames.files})
    return Replay.model_validate({**dict(replay), "runs": [dict(whole)]})


def _places(loaded: LoadedRun, states: States) -> Any:
    """Give the coordinates of entities that have no box in a picture."""
    from rl_attention.experiment.environments import place_columns

    columns = place_columns(loaded.config.env)
    seen = states.probes.observations
    if columns is None or not isinstance(seen, dict) or states.probes.boxes is not None:
        return None
    right, forward = (seen["entities"][..., column] for column in columns)
    return np.stack([right, -forward], axis=-1)  # a picture's second axis points down


def _read_probes(run: RunFolder, loaded: LoadedRun, frames: Frames) -> list[Probe]:
    """Read the maps that were kept in training, if there are any."""
    snapshots = list_snapshots(run.path)
    if not snapshots or not run.probes.exists():
        return []
    states = complete(ProbeSet.load(run.probes), read_tokens(find_extractor(loaded.model)[1]))
    slots = Slots(loaded.model)
    present = slots.present(dict(states.observations))
    sizes = {**states.sizes, "entities": slots.n_tokens}
    taken = [read_snapshot(path) for path in snapshots.values()]
    known = [layer.id for layer in describe_layers(taken[0].layers)]
    probes = []
    for row in range(len(states)):
        moments = [
            Moment(step=snapshot.step, layers=weights_of(snapshot.layers, row, sizes))
            for snapshot in taken
            if list(snapshot.layers) == known
        ]
        probe = Probe(
            name=f"probe {row}" if states.names is None else str(states.names[row]),
            frame=frames.add(states, row),
            mission=mission_of(states, row),
            words=words_of(states, row, moments[0].layers),
            entities=entities_of(states, row, np.flatnonzero(present[row])),
            agent_box=agent_box(states, row),
            moments=moments,
        )
        probes.append(probe)
    return probes
