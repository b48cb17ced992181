"""Out of one model and into another."""

import os
from pathlib import Path
from typing import Any

import torch

from rl_attention.exchange.fitting import check_fits
from rl_attention.exchange.places import find_extractors, named_weights
from rl_attention.exchange.recipe import recipe_of
from rl_attention.exchange.stored import read_header, read_tensors, write_stored
from rl_attention.exchange.training import check_freezable, forget_moments
from rl_attention.exchange.training import freeze as keep


def save_extractor(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the features extractor alone into one file, whole or not at all.

    The file is safetensors: numbers, and one line of JSON that says the class, its options, the
    size of the features and the observations that it was built for. Nothing in it is a pickle.
    Equal extractors give equal files.

    Args:
        model: A model of Stable-Baselines3 or sb3-contrib, its policy, or an extractor. Of a model
            it is the extractor that acts: the actor's, or the online network's.
        path: The file; missing folders are made.

    Raises:
        UserError: There is no extractor of ours, it is of a class of your own, or it holds NaN.
    """
    extractor = next(iter(find_extractors(model).values()))
    write_stored(recipe_of(extractor), named_weights(extractor), Path(path))


def load_extractor(path: str | os.PathLike[str], model: Any, *, freeze: bool = False) -> None:
    """Put a saved extractor into every place of a model: actor, critics and target networks.

    Class, options, observations and sizes are compared first; where anything differs, nothing is
    changed. A set without fixed places may have another number of rows. The optimizers forget what
    they know of the weights that are replaced.

    Args:
        path: What `save_extractor` wrote; files of strangers are safe to read.
        model: A model of Stable-Baselines3 or sb3-contrib, its policy, or an extractor.
        freeze: Keep the weights as they are in all training that follows. This is not saved with
            the model: freeze again after `load`.

    Raises:
        UserError: The file cannot be read, or does not fit; or the algorithm cannot freeze.
    """
    path = Path(path)
    extractors = find_extractors(model)
    if freeze:
        check_freezable(model)
    header = read_header(path)
    for where, extractor in extractors.items():
        check_fits(header, extractor, where, path)
    places = [named_weights(extractor) for extractor in extractors.values()]
    tensors = read_tensors(path, places[0])
    with torch.no_grad():
        for weights in places:
            for name, tensor in tensors.items():
                weights[name].copy_(tensor)
    replaced = [tensor for weights in places for tensor in weights.values()]
    forget_moments(model, replaced)
    if freeze:
        keep(replaced)
