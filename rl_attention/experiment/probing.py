"""The fixed observations of a run, and the maps that are drawn of them as it trains."""

from rl_attention.callbacks import AttentionMapCallback
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import empty_token, probe_data, vocabulary
from rl_attention.experiment.run_folder import RunFolder
from rl_attention.files import write_json
from rl_attention.recording import ProbeSet


def make_probe_set(config: RunConfig) -> ProbeSet | None:
    """Make the probes of a run; None where it records nothing.

    Args:
        config: The run.
    """
    return ProbeSet(**probe_data(config)) if config.recording.snapshots else None


def write_words_and_probes(run: RunFolder, probes: ProbeSet | None) -> None:
    """Write what tells whoever reads the run folder what its network sees.

    Args:
        run: The run folder.
        probes: Its probes, if there are any.
    """
    write_json(run.vocabulary, {"words": list(vocabulary())})
    if probes is not None:
        probes.save(run.probes)  # for the arms without attention too: maps of another kind


def make_map_callback(config: RunConfig, run: RunFolder, probes: ProbeSet) -> AttentionMapCallback:
    """Make the callback that takes the snapshots of a run.

    Args:
        config: The run.
        run: Its folder.
        probes: What to look at.
    """
    return AttentionMapCallback(
        probes,
        snapshots=config.recording.snapshots,
        folder=run.path,
        faithfulness=config.recording.faithfulness,
        empty=empty_token(config.env),
    )
