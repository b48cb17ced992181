"""Distances between decisions are what torch says they are, and keep their bounds."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, Normal, kl_divergence

from rl_attention.explain.acting import Acting
from rl_attention.explain.decisions import Decisions

SEEDS = st.integers(0, 2**16)


def discrete(seed, rows=5, parts=(4,), scale=3.0):
    rng = torch.Generator().manual_seed(seed)
    logits = [scale * torch.randn(rows, size, generator=rng) for size in parts]
    return Acting(tuple(part.log_softmax(1) for part in logits), None, None, torch.arange(rows))


def continuous(seed, rows=5, size=3):
    rng = torch.Generator().manual_seed(seed)
    mean = torch.randn(rows, size, generator=rng)
    return Acting((), mean, torch.rand(rows, size, generator=rng) + 0.1, None)


@given(SEEDS, SEEDS)
def test_divergence_of_discrete_actions_is_that_of_torch(one, other):
    first, second = discrete(one, parts=(4, 3)), discrete(other, parts=(4, 3))
    expected = sum(
        kl_divergence(Categorical(logits=p.double()), Categorical(logits=q.double()))
        for p, q in zip(first.log_probabilities, second.log_probabilities, strict=True)
    )
    found = Decisions.of(first).kl(Decisions.of(second))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(SEEDS, SEEDS)
def test_divergence_of_continuous_actions_is_that_of_torch(one, other):
    first, second = continuous(one), continuous(other)
    expected = kl_divergence(Normal(first.mean, first.std), Normal(second.mean, second.std)).sum(1)
    found = Decisions.of(first).kl(Decisions.of(second))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [discrete, continuous])
@given(SEEDS, SEEDS)
def test_distance_is_bounded_symmetric_and_zero_for_the_same(make, one, other):
    first, second = Decisions.of(make(one)), Decisions.of(make(other))
    distance = first.distance(second)
    most = np.log(2) if first.discrete else 1.0
    assert (distance >= 0).all()
    assert (distance <= most + 1e-12).all()
    np.testing.assert_allclose(distance, second.distance(first), atol=1e-12)
    for same in (first.distance(first), first.kl(first), first.drop(first)):
        np.testing.assert_allclose(same, 0.0, atol=1e-12)
    assert not first.flips(first).any()


def of(rows, value=None):
    return Decisions((np.array(rows, float),), None, None, value)


def test_values_by_hand():
    before, after = of([[0.8, 0.2], [0.5, 0.5]]), of([[0.2, 0.8], [1.0, 0.0]])
    np.testing.assert_allclose(before.drop(after), [0.6, -0.5])
    np.testing.assert_array_equal(before.flips(after), [True, False])
    np.testing.assert_allclose(before.kl(after)[0], 0.6 * np.log(4))
    # certain against certain of another: the largest distance there is
    np.testing.assert_allclose(of([[1.0, 0.0]]).distance(of([[0.0, 1.0]])), np.log(2))


def test_gaussians_by_hand():
    before = Decisions((), np.zeros((1, 1)), np.ones((1, 1)), None)
    after = Decisions((), np.full((1, 1), 2.0), np.ones((1, 1)), None)
    np.testing.assert_allclose(before.kl(after), 2.0)
    np.testing.assert_allclose(before.distance(after), 1 - np.exp(-0.5))
    np.testing.assert_allclose(before.drop(after), 1 - np.exp(-2.0))
    assert before.flips(after).all()


def test_values_fall():
    before, after = of([[1.0, 0.0]], np.array([2.0])), of([[1.0, 0.0]], np.array([0.5]))
    np.testing.assert_allclose(before.value_change(after), [1.5])
    assert before.value_change(of([[1.0, 0.0]])) is None
