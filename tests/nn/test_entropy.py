"""The gradient of the entropy bonus against torch's own."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.nn.entropy import entropy_bonus_gradient


def mean_entropy(weights, query_mask, key_mask):
    rows = []
    for b in range(len(weights)):
        for q in range(weights.shape[2]):
            if query_mask[b, q] and key_mask[b].sum() > 1:
                row = weights[b, :, q][:, key_mask[b]]
                rows.append(-(row * row.log()).sum(dim=-1))
    return torch.stack(rows).mean() if rows else weights.sum() * 0.0


@given(st.integers(0, 2**16), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_equals_the_gradient_of_the_mean_entropy(seed, batch, n_queries, n_keys):
    torch.manual_seed(seed)
    query_mask = torch.rand(batch, n_queries) < 0.7
    key_mask = torch.rand(batch, n_keys) < 0.7
    weights = torch.rand(batch, 2, n_queries, n_keys, dtype=torch.float64) + 0.01
    weights = weights * key_mask[:, None, None]
    weights = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-300)
    weights.requires_grad_()
    mean_entropy(weights, query_mask, key_mask).backward()
    got = entropy_bonus_gradient(weights, query_mask, key_mask)
    total = weights.detach().sum(dim=-1, keepdim=True).clamp(min=1e-300)
    expected = weights.grad - (weights.detach() * weights.grad).sum(dim=-1, keepdim=True) / total
    expected = expected.masked_fill(weights == 0, 0.0)
    torch.testing.assert_close(got, expected)


def test_a_weight_of_zero_is_left_alone():
    weights = torch.tensor([[[[0.0, 0.5, 0.5]]]])
    mask = torch.ones(1, 3, dtype=torch.bool)
    got = entropy_bonus_gradient(weights, mask[:, :1], mask)
    assert got[0, 0, 0, 0] == 0
    assert got.isfinite().all()


def test_a_query_that_keeps_one_key_has_nothing_to_gain():
    weights = torch.tensor([[[[0.0, 1.0, 0.0]]]])
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert (entropy_bonus_gradient(weights, mask[:, :1], mask) == 0).all()
