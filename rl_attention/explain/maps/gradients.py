"""Gradients with respect to the embeddings of the entities, by captum."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from rl_attention.errors import UserError
from rl_attention.explain.decisions import Floats
from rl_attention.explain.maps.embedded import Embedded
from rl_attention.explain.maps.recorded import on_entities
from rl_attention.explain.subject import Subject

STEPS = 16
"""Points at which the gradient is taken on each piece of the path."""

EDGES = (0.0, 0.001, 0.01, 0.1, 1.0)
"""Where the path is cut. A layer norm changes most where its input is almost zero, so that points
spread evenly would miss much of the change. On small random networks an attribution is off by 4 %
of the largest of its state in the mean; with as many points spread evenly, by 18 %."""

_MOST_ROWS = 512
_MOST_PAIRS = 2**21
"""So many pairs of tokens go through the network at once with all that gradients need."""


def gradient_maps(subject: Subject) -> dict[str, Floats]:
    """Give the length of the gradient of what is done with respect to each embedding.

    Source: Simonyan et al. 2014, "Deep Inside Convolutional Networks", section 3. What is done is
    one number for discrete actions and one for each dimension of continuous ones; see `Embedded`.
    Of several numbers it is the root of the sum of squares.

    Args:
        subject: The model and the states.

    Returns:
        `gradient`; none where the extractor is none of ours.

    Raises:
        UserError: captum is not installed.
    """
    embedded = Embedded.of(subject)
    if embedded is None:
        return {}
    method = _captum().Saliency(embedded)

    def attribute(tokens: Tensor, rows: Tensor, number: int) -> Tensor:
        gradient: Tensor = method.attribute(
            tokens.requires_grad_(), target=number, abs=False, additional_forward_args=(rows,)
        )
        length: Tensor = gradient.norm(dim=2)
        return length

    return {"gradient": _combined(subject, embedded, _most_rows(subject), attribute)}


def integrated_gradients_maps(subject: Subject) -> dict[str, Floats]:
    """Give how much each embedding adds on the way from zeros to what it is, without its sign.

    Source: Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", section 3. The
    gradient times the embedding is averaged over the straight line from zeros, for all entities at
    once, and summed over the embedding; the integral is taken piece by piece, see `EDGES`. Of
    several numbers it is the root of the sum of squares; see `gradient_maps`.

    Args:
        subject: The model and the states.

    Returns:
        `integrated_gradients`; none where the extractor is none of ours.

    Raises:
        UserError: captum is not installed.
    """
    embedded = Embedded.of(subject)
    if embedded is None:
        return {}
    most = _most_rows(subject)
    integrate = make_integrator(embedded, most)

    def attribute(tokens: Tensor, rows: Tensor, number: int) -> Tensor:
        return integrate(tokens, rows, number).sum(dim=2)

    n_states = max(1, most // STEPS)
    return {"integrated_gradients": _combined(subject, embedded, n_states, attribute)}


def make_integrator(
    embedded: Embedded, most_rows: int, *, edges: Sequence[float] = EDGES
) -> Callable[[Tensor, Tensor, int], Tensor]:
    """Return a function from embeddings, states and a number to attributions `B N D`.

    Args:
        embedded: The policy.
        most_rows: So many rows go through the network at once.
        edges: Where the path is cut, from 0 to 1.

    Raises:
        UserError: captum is not installed.
    """
    method = _captum().IntegratedGradients(embedded)

    def integrate(tokens: Tensor, rows: Tensor, number: int) -> Tensor:
        total = torch.zeros_like(tokens)
        for first, last in pairwise(edges):
            total += method.attribute(
                tokens * last,
                baselines=tokens * first,
                target=number,
                additional_forward_args=(rows,),
                n_steps=STEPS,
                internal_batch_size=max(most_rows, len(tokens)),
            ).to(total)
        return total

    return integrate


def _combined(
    subject: Subject,
    embedded: Embedded,
    n_states: int,
    attribute: Callable[[Tensor, Tensor, int], Tensor],
) -> Floats:
    """Ask for each number of each state, and take the root of the sum of squares: `P N`."""
    parts = []
    for rows in torch.split(torch.arange(len(subject)), n_states):
        tokens = embedded.embed(rows)
        each = [attribute(tokens.clone(), rows, number) for number in range(embedded.n_numbers)]
        parts.append(torch.stack(each).detach().double().norm(dim=0).cpu())
    return on_entities(subject, torch.cat(parts).numpy())


def _most_rows(subject: Subject) -> int:
    return max(STEPS, min(_MOST_ROWS, _MOST_PAIRS // subject.slots.n_tokens**2))


def _captum() -> Any:
    try:
        import captum.attr  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError(
            "gradient maps: expected captum, which is not installed; run "
            "pip install 'rl-attention[explain]', or leave these maps out"
        ) from error
    return captum.attr
