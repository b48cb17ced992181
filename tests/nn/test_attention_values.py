"""Attention against torch's own, and values small enough to check by hand."""

import math

import pytest
import torch

from rl_attention.nn import (
    SCORES,
    WEIGHTS,
    AttentionOptions,
    ChunkReading,
    DenseReading,
    MultiHeadAttention,
    full_layout,
    layout_of,
    read_pairs,
    read_shared,
)
from rl_attention.nn.functional import row_max, row_mean
from rl_attention.nn.reading import SharedReading
from rl_attention.nn.weights import masked_softmax, masked_sparsemax, masked_topk


def attention(width, **options):
    options = AttentionOptions(**options)
    return MultiHeadAttention(width, options=options, queries=("a",), keys=("a",))


TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_equals_torch_scaled_dot_product_attention(dtype, masked):
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, 5, 4, dtype=dtype) for _ in range(3))
    mask = torch.rand(3, 5) < (0.6 if masked else 2.0)
    mask[:, 0] = True
    score = SCORES["scaled_dot_product"](n_heads=2, head_size=4)
    scores = score.of_all(*score.prepare(query, key))
    ours = masked_softmax(scores, mask[:, None, None, :]) @ value
    theirs = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask[:, None, None, :]
    )
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE[dtype], rtol=0)


def shared(queries, keys):
    return read_shared(queries, keys, torch.arange(queries.n_rows))


@pytest.mark.parametrize("way", [read_pairs, DenseReading, shared])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_equals_torch_multihead_attention(dtype, masked, way):
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=dtype)
    ours = attention(8, n_heads=2).to(dtype)
    torch.nn.init.normal_(theirs.in_proj_bias)
    with torch.no_grad():
        for layer, rows in ((ours.query, slice(8)), (ours.key_content, slice(8, 24))):
            layer.weight.copy_(theirs.in_proj_weight[rows])
            layer.bias.copy_(theirs.in_proj_bias[rows])
        ours.output.weight.copy_(theirs.out_proj.weight)
        ours.output.bias.copy_(theirs.out_proj.bias)
    query, key = torch.randn(3, 4, 8, dtype=dtype), torch.randn(3, 5, 8, dtype=dtype)
    mask = torch.rand(3, 5) < (0.6 if masked else 2.0)
    mask[:, 0] = True
    seen = []
    ours.probe.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    queries, keys = full_layout(3, 4, mask.device), layout_of(mask)
    reading = way(queries, keys)
    got = ours(query.flatten(end_dim=1), reading, keys.pack(key)).view(3, 4, 8)
    expected, weights = theirs(query, key, key, key_padding_mask=~mask, average_attn_weights=False)
    torch.testing.assert_close(got, expected, atol=TOLERANCE[dtype], rtol=0)
    weights = weights[..., : seen[0].shape[-1]]  # slots that are padding everywhere are left out
    torch.testing.assert_close(seen[0], weights, atol=TOLERANCE[dtype], rtol=0)


def test_scores_are_divided_by_the_root_of_the_head_size():
    one = torch.ones(1, 1, 1, 16)
    scaled = SCORES["scaled_dot_product"](n_heads=1, head_size=16)
    assert scaled.of_all(*scaled.prepare(one, one)).item() == 16 / math.sqrt(16)
    assert SCORES["dot_product"](n_heads=1, head_size=16).of_all(one, one).item() == 16


def test_two_keys_by_hand():
    scores = torch.tensor([[[[0.0, math.log(3.0), 50.0]]]])
    weights = masked_softmax(scores, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(weights, torch.tensor([[[[0.25, 0.75, 0.0]]]]))


def test_mean_of_the_real_tokens_by_hand():
    tokens = torch.tensor([[[1.0], [3.0], [9.0]], [[7.0], [7.0], [7.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    layout = layout_of(mask)
    assert row_mean(layout.pack(tokens), layout).tolist() == [[2.0], [0.0]]


def test_largest_of_the_real_tokens_by_hand():
    tokens = torch.tensor([[[-1.0, 5.0], [-3.0, 2.0], [9.0, 9.0]], [[7.0, 7.0]] * 3])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    layout = layout_of(mask)
    assert row_max(layout.pack(tokens), layout).tolist() == [[-1.0, 5.0], [0.0, 0.0]]


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="n_heads must divide width, got width=8 and n_heads=3"):
        attention(8, n_heads=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "sharp"}, "weights must be one of softmax, .*uniform, got 'sharp'"),
        ({"score": "sharp"}, "score must be one of scaled_dot_product, .*cosine, got 'sharp'"),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
        ({"n_heads": 0}, "n_heads must be at least 1, got 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
    ],
)
def test_unknown_members_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        attention(8, **options)


def test_additive_attention_is_the_formula_written_out():
    torch.manual_seed(0)
    score = SCORES["additive"](n_heads=2, head_size=3)
    query, key = torch.randn(1, 2, 4, 3), torch.randn(1, 2, 5, 3)
    got = score.of_all(query, key)
    pairs = score.of_pairs(query.transpose(1, 2)[0], key.transpose(1, 2)[0, :4])
    torch.testing.assert_close(pairs, got[0].diagonal(dim1=1, dim2=2).T)
    for h in range(2):
        for q in range(4):
            for k in range(5):
                inner = [math.tanh(query[0, h, q, d] + key[0, h, k, d]) for d in range(3)]
                expected = sum(
                    v * x for v, x in zip(score.direction[h].tolist(), inner, strict=True)
                )
                assert got[0, h, q, k].item() == pytest.approx(expected, abs=1e-6)


def test_cosine_ignores_the_length_of_query_and_key():
    torch.manual_seed(0)
    score = SCORES["cosine"](n_heads=2, head_size=4)
    query, key = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4)

    def of_all(query, key):
        query, key = score.prepare(query.transpose(1, 2), key.transpose(1, 2))
        return score.of_all(query.transpose(1, 2), key.transpose(1, 2))

    torch.testing.assert_close(of_all(7 * query, 0.3 * key), of_all(query, key), atol=1e-4, rtol=0)
    assert of_all(query, query)[0, 0, 0, 0].item() == pytest.approx(2.0, abs=1e-4)  # sqrt(4) cos 0


def test_sparsemax_by_hand():
    # over three real keys: threshold (1.0 + 0.6 - 1) / 2 = 0.3
    scores = torch.tensor([[[[1.0, 0.6, -0.5, 9.0]]]])
    weights = masked_sparsemax(scores, torch.tensor([[True, True, True, False]]))
    torch.testing.assert_close(weights, torch.tensor([[[[0.7, 0.3, 0.0, 0.0]]]]))


@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_topk_keeps_exactly_k_of_the_real_keys(top_k):
    torch.manual_seed(0)
    scores = torch.randn(6, 2, 3, 7)
    scores[0] = 0.0  # ties too
    mask = torch.rand(6, 7) < 0.7
    weights = masked_topk(scores, mask[:, None, None, :], top_k)
    expected = mask.sum(dim=1).clamp(max=top_k)[:, None, None].expand(6, 2, 3)
    assert torch.equal((weights > 0).sum(dim=-1), expected)
    torch.testing.assert_close(weights.sum(dim=-1), (expected > 0).float())


def test_the_gradient_of_topk_is_that_of_softmax():
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, True, False]])
    upstream = torch.randn(1, 2, 3, 4)
    grads = []
    for weigh in (lambda s: masked_topk(s, mask, 1), lambda s: masked_softmax(s, mask)):
        scores = torch.linspace(-1, 1, 24).reshape(1, 2, 3, 4).requires_grad_()
        (weigh(scores) * upstream).sum().backward()
        grads.append(scores.grad)
    torch.testing.assert_close(grads[0], grads[1])


def test_dropout_is_for_training_alone_and_the_map_is_without():
    torch.manual_seed(0)
    module = attention(8, n_heads=2, dropout=0.5)
    layout = full_layout(4, 6, torch.device("cpu"))
    tokens, reading = torch.randn(24, 8), read_pairs(layout, layout)
    seen = []
    module.probe.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    acting = [module.eval()(tokens, reading, tokens) for _ in range(2)]
    learning = [module.train()(tokens, reading, tokens) for _ in range(2)]
    assert torch.equal(*acting)
    assert not torch.allclose(*learning)
    assert all(torch.equal(seen[0], other) for other in seen[1:])


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("n_rows", [1, 2])
def test_keys_that_all_rows_share_are_weighed_as_any_others(weights, n_rows):
    torch.manual_seed(0)
    module = attention(8, n_heads=2, weights=weights, top_k=2).double()
    queries = full_layout(5, 1, torch.device("cpu"))
    keys = layout_of(torch.tensor([[True, True, True], [True, False, False]])[:n_rows])
    rows = torch.tensor([0, 0, 1, 0, 1]) % n_rows
    tokens, read = torch.randn(5, 8).double(), torch.randn(len(keys.row), 8).double()
    shared = module(tokens, SharedReading(queries, keys, rows), read)
    listed = module(tokens, read_pairs(queries, keys, rows), read)
    padded = module(tokens, DenseReading(queries, keys, rows), read)
    torch.testing.assert_close(shared, listed)
    torch.testing.assert_close(shared, padded)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own, in jvp
def test_chunks_pass_through_the_transforms_of_torch_func():
    torch.manual_seed(0)
    module = MultiHeadAttention(8, options=AttentionOptions(n_heads=2), queries=("a",)).double()
    layout = layout_of(torch.tensor([[True, True, False], [True, True, True]]))
    tokens, moved = torch.randn(5, 8).double(), torch.randn(5, 8).double()
    ways = [ChunkReading(layout, layout), read_pairs(layout, layout)]
    for transform in (
        lambda f: torch.func.grad(lambda x: f(x).square().sum())(tokens),
        lambda f: torch.func.jvp(f, (tokens,), (moved,))[1],
    ):
        chunks, pairs = (transform(lambda x, way=way: module(x, way)) for way in ways)
        torch.testing.assert_close(chunks, pairs)
