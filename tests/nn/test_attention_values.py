"""Attention against torch's own, and values small enough to check by hand."""

import math

import pytest
import torch

from rl_attention.nn import MultiHeadAttention
from rl_attention.nn.functional import masked_mean, masked_softmax, scaled_dot_product

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_equals_torch_scaled_dot_product_attention(dtype, masked):
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, 5, 4, dtype=dtype) for _ in range(3))
    mask = torch.rand(3, 5) < (0.6 if masked else 2.0)
    mask[:, 0] = True
    ours = masked_softmax(scaled_dot_product(query, key), mask) @ value
    theirs = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask[:, None, None, :]
    )
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE[dtype], rtol=0)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_equals_torch_multihead_attention(dtype, masked):
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=dtype)
    ours = MultiHeadAttention(8, n_heads=2, queries=("entities",), keys=("entities",)).to(dtype)
    torch.nn.init.normal_(theirs.in_proj_bias)
    with torch.no_grad():
        for i, layer in enumerate([ours.query, ours.key, ours.value]):
            layer.weight.copy_(theirs.in_proj_weight[8 * i : 8 * i + 8])
            layer.bias.copy_(theirs.in_proj_bias[8 * i : 8 * i + 8])
        ours.output.weight.copy_(theirs.out_proj.weight)
        ours.output.bias.copy_(theirs.out_proj.bias)
    query, key = torch.randn(3, 4, 8, dtype=dtype), torch.randn(3, 5, 8, dtype=dtype)
    mask = torch.rand(3, 5) < (0.6 if masked else 2.0)
    mask[:, 0] = True
    seen = []
    ours.probe.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    got = ours(query, key, torch.ones(3, 4, dtype=torch.bool), mask)
    expected, weights = theirs(query, key, key, key_padding_mask=~mask, average_attn_weights=False)
    torch.testing.assert_close(got, expected, atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(seen[0], weights, atol=TOLERANCE[dtype], rtol=0)


def test_scores_are_divided_by_the_root_of_the_head_size():
    one = torch.ones(1, 1, 1, 16)
    assert scaled_dot_product(one, one).item() == 16 / math.sqrt(16)


def test_two_keys_by_hand():
    scores = torch.tensor([[[[0.0, math.log(3.0), 50.0]]]])
    weights = masked_softmax(scores, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(weights, torch.tensor([[[[0.25, 0.75, 0.0]]]]))


def test_mean_of_the_real_tokens_by_hand():
    tokens = torch.tensor([[[1.0], [3.0], [9.0]], [[7.0], [7.0], [7.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert masked_mean(tokens, mask).tolist() == [[2.0], [0.0]]


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="n_heads must divide width, got width=8 and n_heads=3"):
        MultiHeadAttention(8, n_heads=3, queries=("a",), keys=("a",))


def test_unknown_weights_are_named():
    with pytest.raises(ValueError, match="softmax, uniform, got 'sharp'"):
        MultiHeadAttention(8, weights="sharp", queries=("a",), keys=("a",))
