"""From a model and the states of its episodes to the data of the viewer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rl_attention.errors import UserError
from rl_attention.explain.bootstrap import Estimate
from rl_attention.explain.explanation import ATTENTION, Explanation, summarise
from rl_attention.explain.maps.recorded import record_layers
from rl_attention.explain.measuring import Measured, MeasuringOptions, measure
from rl_attention.explain.replay.decisions import (
    action_of,
    number,
    plain,
    scores_of,
    without_each,
)
from rl_attention.explain.replay.layers import describe_layers, weights_of
from rl_attention.explain.replay.scenes import (
    Frames,
    agent_box,
    entities_of,
    mission_of,
    words_of,
)
from rl_attention.explain.scores import OCCLUSION
from rl_attention.explain.states import States
from rl_attention.recording import AttentionMap
from rl_attention.viewer.schema import Interval, MapMeta, Replay, Run, Score, Step, Verdict

_TITLES = {
    "attention": "attention (mean over heads)",
    "rollout": "attention rollout",
    "norm": "attention by norm",
    "gradient": "gradient",
    "integrated_gradients": "integrated gradients",
    "nearest": "nearest first",
    "random": "random",
    "occlusion": "occlusion (KL without it)",
}


def make_replay(
    model: Any,
    states: States,
    *,
    name: str = "model",
    env: str = "",
    arm: str = "",
    seed: int = 0,
    actions: Sequence[str] = (),
    places: Any = None,
    options: MeasuringOptions | None = None,
    frames: Frames | None = None,
) -> Replay:
    """Put everything together that is known of each decision of some episodes.

    Args:
        model: A Stable-Baselines3 or sb3-contrib algorithm.
        states: States of whole episodes, as `collect_states` gives them.
        name: What the run is called.
        env: Name of its environment.
        arm: What kind of network it has.
        seed: Seed of the episodes.
        actions: Names of discrete actions; none: their numbers.
        places: Where each entity is, `P N 2`, for states without pictures.
        options: What is measured.
        frames: Pictures to which those of the states are added.

    Raises:
        UserError: The model cannot be asked, or there is no state.
    """
    if not len(states):
        raise UserError("expected at least one state to replay, got none")
    # an agent may spend an episode looking at a wall
    options = replace(options or MeasuringOptions(), must_hold_entities=False)
    found = measure(model, states.probes, states.episodes, options)
    maps = record_layers(found.subject)
    explanation = summarise([found])
    frames = frames or Frames()
    steps = [_step(found, maps, states, row, places, frames) for row in range(len(states))]
    run = Run(
        name=name,
        env=env,
        arm=arm,
        seed=seed,
        actions=_names(actions, found),
        value_name=_value_name(model, found),
        frames=frames.files,
        layers=describe_layers(maps),
        maps=[_describe(name, explanation) for name in _in_order(found.maps)],
        verdict=_verdict(explanation),
        steps=steps,
        probes=[],
    )
    return Replay(version=1, title=f"{env or 'replay'}: {name}", runs=[run])


def _step(
    found: Measured,
    maps: Mapping[str, AttentionMap],
    states: States,
    row: int,
    places: Any,
    frames: Frames,
) -> Step:
    subject = found.subject
    slots = np.flatnonzero(subject.present[row])
    success = states.successes[row]
    action = np.asarray(states.actions[row])
    layers = weights_of(maps, row, subject.sizes, subject.states)
    return Step(
        episode=int(states.episodes[row]),
        t=int(states.steps[row]),
        frame=frames.add(subject.states, row),
        mission=mission_of(subject.states, row),
        words=words_of(subject.states, row, layers),
        entities=entities_of(subject.states, row, slots, places),
        agent_box=agent_box(subject.states, row),
        layers=layers,
        values={name: plain(table[row, slots]) for name, table in found.maps.items()},
        action=int(action) if action.ndim == 0 else [float(part) for part in action],
        reward=float(states.rewards[row]),
        done=bool(states.dones[row]),
        success=None if np.isnan(success) else bool(success),
        without=without_each(found, row),
        scores=scores_of(found, row),
        **action_of(subject.decisions, row),
    )


def _in_order(names: Iterable[str]) -> list[str]:
    """Put attention first, or occlusion where nothing attends; the others stay in their order."""
    first = ATTENTION if ATTENTION in names else OCCLUSION
    return sorted(names, key=lambda name: name != first)


def _names(actions: Sequence[str], found: Measured) -> list[str]:
    decisions = found.subject.decisions
    if not decisions.discrete:
        return []
    count = decisions.probabilities[0].shape[1]
    return list(actions) if len(actions) == count else [str(index) for index in range(count)]


def _value_name(model: Any, found: Measured) -> str | None:
    if found.subject.decisions.value is None:
        return None
    by_values = any(hasattr(model.policy, part) for part in ("q_net", "quantile_net"))
    return "max Q(s, a)" if by_values else "V(s)"


def _describe(name: str, explanation: Explanation) -> MapMeta:
    scores = explanation.maps[name]
    return MapMeta(
        id=name,
        title=_TITLES.get(name, name.replace("_", " ")),
        signed=False,
        summary=Score(
            F=_interval(scores.faithfulness),
            top1_hit=number(scores.hit.mean),
            top1_chance=number(explanation.chance),
            flip=number(scores.flip.mean),
            flip_random=number(explanation.flip_random.mean),
            n_states=explanation.n_telling,
        ),
    )


def _interval(found: Estimate) -> Interval | None:
    mean = number(found.mean)
    if mean is None:
        return None
    return Interval(mean=mean, low=number(found.low), high=number(found.high))


def _verdict(explanation: Explanation) -> Verdict | None:
    found = explanation.verdict
    return None if found is None else Verdict(word=found.word, text=found.text, map=found.map)
