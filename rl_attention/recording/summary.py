"""The curves of a snapshot: one number for each tag."""

from collections.abc import Mapping

import numpy as np

from rl_attention.recording.maps import AttentionMap
from rl_attention.recording.metrics import drift, entropy, head_diversity, mass, top1
from rl_attention.recording.probes import ProbeSet


def summarise(
    layers: Mapping[str, AttentionMap],
    probes: ProbeSet,
    previous: Mapping[str, AttentionMap] | None = None,
) -> dict[str, float]:
    """Return the scalar of every `attention/...` tag.

    Tags without a layer are means over the layers that are not over words alone; `mass_*` reads the
    last layer over entities, or the last of all where none is. Drift is 0 where there is no
    snapshot before.

    Args:
        layers: Labelled maps, as `label_layers` gives them.
        probes: What the maps were taken from.
        previous: Labelled maps of the snapshot before.
    """
    tags: dict[str, float] = {}
    for label, found in layers.items():
        for metric, by_head in (("entropy", entropy(found)), ("top1", top1(found))):
            for head, value in enumerate(by_head):
                tags[f"attention/{metric}_{label}h{head}"] = float(value)
        tags[f"attention/head_js_{label}"] = head_diversity(found)
        before = (previous or {}).get(label)
        tags[f"attention/drift_{label}"] = 0.0 if before is None else drift(before, found)
    # networks that attend to words alone still get the curves without a layer
    main = [label for label in layers if label.startswith("l")] or list(layers)
    for metric in ("entropy", "top1", "head_js", "drift"):
        stems = tuple(f"attention/{metric}_{label}" for label in main)
        values = [v for tag, v in tags.items() if _of_layer(tag, stems)]
        tags[f"attention/{metric}"] = float(np.mean(values)) if values else 0.0
    over_entities = [label for label in main if "entities" in layers[label].keys]
    if main:
        last = layers[(over_entities or main)[-1]]
        for kind, share in mass(last, probes.types, probes.sizes).items():
            tags[f"attention/mass_{kind}"] = share
    return dict(sorted(tags.items()))


def _of_layer(tag: str, stems: tuple[str, ...]) -> bool:
    return any(tag == stem or tag.startswith(f"{stem}h") for stem in stems)
