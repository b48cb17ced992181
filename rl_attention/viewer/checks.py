"""Whether the parts of a replay fit together; a `ValueError` says in one line what does not."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rl_attention.viewer.packing import PNG, decode

if TYPE_CHECKING:
    from rl_attention.viewer.parts import Decision, Probe, Scene, Step, Weights
    from rl_attention.viewer.schema import Replay, Run

RESERVED = ("weights", "none")
"""What the page shows besides maps, under these names in its address."""

_MOST_PIXELS = 16 << 20


def check_scene(scene: "Scene", layers: "Sequence[Weights]") -> None:
    """Check that slots are distinct, and that every token of an axis is there, once.

    Args:
        scene: A step or a probe.
        layers: Weights over its tokens.

    Raises:
        ValueError: Something does not fit.
    """
    slots = [entity.slot for entity in scene.entities]
    _distinct("entities: slots", slots)
    named = {f"e{slot}" for slot in slots} | {f"w{i}" for i in range(len(scene.words))}
    for number, layer in enumerate(layers):
        for axis, refs in (("queries", layer.queries), ("keys", layer.keys)):
            where = f"layers.{number}.{axis}"
            _distinct(where, refs)
            unknown = [ref for ref in refs if ref[0] in "ew" and ref not in named]
            if unknown:
                raise ValueError(f"{where}: {unknown[0]} is no entity and no word of this step")


def check_step(step: "Step") -> None:
    """Check that there is one number, and one decision without it, per entity.

    Args:
        step: A step.

    Raises:
        ValueError: Something does not fit.
    """
    n = len(step.entities)
    for name, values in step.values.items():
        _length(f"values.{name}", values, n, "one per entity")
    if step.without:
        _length("without", step.without, n, "one per entity, or none at all")
    if (step.mean is None) != isinstance(step.action, int):
        raise ValueError("action: expected an index, or numbers beside a mean, got a mixture")
    _check_decision("", step, step)
    for number, without in enumerate(step.without):
        _check_decision(f"without.{number}.", without, step)
    if not isinstance(step.action, int):
        _length("action", step.action, len(step.mean or ()), "one per number of the mean")


def _check_decision(where: str, decision: "Decision", step: "Step") -> None:
    n_actions, n_numbers = len(step.probabilities), len(step.mean or ())
    _length(f"{where}probabilities", decision.probabilities, n_actions, "as many as the step has")
    if (decision.mean is None) != (step.mean is None):
        raise ValueError(f"{where}mean: expected one where the step has one, and only there")
    for name, numbers in (("mean", decision.mean), ("std", decision.std)):
        if numbers is not None:
            _length(f"{where}{name}", numbers, n_numbers, "one per number of the action")


def check_run(run: "Run") -> None:
    """Check what steps and probes say against what the run says of itself.

    Args:
        run: A run.

    Raises:
        ValueError: Something does not fit.
    """
    known = [found.id for found in run.maps]
    _distinct("layers: ids", [layer.id for layer in run.layers])
    _distinct("maps: ids", known)
    for name in RESERVED:
        if name in known:
            raise ValueError(f"maps: {name!r} means something else to the page; name it otherwise")
    if run.verdict is not None and run.verdict.map not in known:
        raise ValueError(f"verdict.map: expected one of {', '.join(known)}, got {run.verdict.map}")
    for number, frame in enumerate(run.frames):
        _check_png(f"frames.{number}", frame)
    order = [(step.episode, step.t) for step in run.steps]
    if sorted(set(order)) != order:
        raise ValueError(
            "steps: expected each step of each episode once, in order of episode and t"
        )
    for number, step in enumerate(run.steps):
        _at(f"steps.{number}", _check_against_run, step, run, known)
    for number, probe in enumerate(run.probes):
        _at(f"probes.{number}", _check_probe, probe, run)


def check_replay(replay: "Replay") -> None:
    """Check that two runs were played in the same environment from the same seed.

    Args:
        replay: A replay.

    Raises:
        ValueError: They were not.
    """
    first, last = replay.runs[0], replay.runs[-1]
    if (first.env, first.seed) != (last.env, last.seed):
        raise ValueError(
            f"runs: expected the same environment and seed, got {first.env} with seed {first.seed} "
            f"and {last.env} with seed {last.seed}"
        )


def _check_against_run(step: "Step", run: "Run", known: Sequence[str]) -> None:
    _check_frame(step.frame, run)
    _check_layers(step.layers, run)
    _length("probabilities", step.probabilities, len(run.actions), "one per action")
    if isinstance(step.action, int) and not 0 <= step.action < len(run.actions):
        raise ValueError(f"action: expected 0 to {len(run.actions) - 1}, got {step.action}")
    for kind, names in (("values", step.values), ("scores", step.scores)):
        for name in names:
            if name not in known:
                raise ValueError(f"{kind}.{name}: expected a map of the run")


def _check_probe(probe: "Probe", run: "Run") -> None:
    _check_frame(probe.frame, run)
    steps = [moment.step for moment in probe.moments]
    if sorted(set(steps)) != steps:
        raise ValueError("moments: expected rising steps, each once")
    for number, moment in enumerate(probe.moments):
        _at(f"moments.{number}", _check_layers, moment.layers, run)


def _check_frame(frame: int | None, run: "Run") -> None:
    if frame is not None and frame >= len(run.frames):
        raise ValueError(f"frame: expected an index into {len(run.frames)} frames, got {frame}")


def _check_layers(layers: "Sequence[Weights]", run: "Run") -> None:
    _length("layers", layers, len(run.layers), "one per layer of the run")
    for number, (layer, of_run) in enumerate(zip(layers, run.layers, strict=True)):
        where = f"layers.{number}.weights"
        shape = f"{of_run.heads} x {len(layer.queries)} x {len(layer.keys)}"
        expected = of_run.heads * len(layer.queries) * len(layer.keys)
        came = decode(layer.weights)
        if came is None:
            raise ValueError(f"{where}: expected base64")
        if len(came) != expected:
            raise ValueError(f"{where}: expected {shape} = {expected} bytes, got {len(came)}")


def _check_png(where: str, text: str) -> None:
    came = decode(text)
    if came is None or not came.startswith(PNG) or len(came) < 24:
        raise ValueError(f"{where}: expected a PNG file as base64")
    # the header's first fields; a few bytes can claim a picture that fills the memory
    width, height = (int.from_bytes(came[i : i + 4], "big") for i in (16, 20))
    if not 0 < width * height <= _MOST_PIXELS:
        raise ValueError(
            f"{where}: expected at most {_MOST_PIXELS:,} pixels, got {width} x {height}"
        )


def _at(where: str, check: Callable[..., None], *args: object) -> None:
    """Check a part, and say where it stands if it does not fit."""
    try:
        check(*args)
    except ValueError as error:
        raise ValueError(f"{where}.{error}") from None


def _length(where: str, came: Sequence[object], expected: int, why: str) -> None:
    if len(came) != expected:
        raise ValueError(f"{where}: expected {expected} ({why}), got {len(came)}")


def _distinct(where: str, came: Sequence[object]) -> None:
    if len(set(came)) != len(came):
        raise ValueError(f"{where}: expected each once, got one of them twice")
