"""One look at what a model attends to."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from rl_attention.recording.batches import checked_batch
from rl_attention.recording.locate import find_extractor
from rl_attention.recording.maps import AttentionMap
from rl_attention.recording.modes import same_modes, uncompiled
from rl_attention.recording.recorder import Recorder


def record(
    model: Any, observations: Mapping[str, NDArray[Any]] | NDArray[Any]
) -> dict[str, AttentionMap]:
    """Return the attention maps of one deterministic forward pass of the policy.

    No gradient is kept, no random number drawn, and every module is left in the mode (training or
    evaluation) it was in.

    Args:
        model: Any Stable-Baselines3 algorithm whose extractor holds a `Probe`.
        observations: A batch of observations as the policy takes them: an array, or a mapping of
            arrays; the first axis is the batch. One observation is a batch of one. Nothing is
            normalised here: behind `VecNormalize`, give what `env.reset()` and `env.step()` return.

    Returns:
        The maps by probe name, in the order in which the probes fired.

    Raises:
        UserError: If no extractor holds a `Probe`, a key is missing, or shapes do not fit.
    """
    _, extractor = find_extractor(model)
    batch = checked_batch(observations, model.observation_space)
    with same_modes(model.policy), uncompiled(), Recorder(extractor) as recorder:
        model.policy.predict(batch, deterministic=True)
    return recorder.maps
