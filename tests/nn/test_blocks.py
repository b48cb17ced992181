"""What makes each block what it is."""

import pytest
import torch
from parts_for_tests import opened

from rl_attention.nn import BLOCKS, AttentionOptions, GRUGate, Stack, full_layout, read_pairs

WIDTH = 16


def block(kind, **options):
    return BLOCKS[kind](
        WIDTH, options=AttentionOptions(**options), feedforward=24, queries=("entities",)
    )


def among(batch, n_tokens):
    layout = full_layout(batch, n_tokens, torch.device("cpu"))
    return read_pairs(layout, layout)


def test_a_gate_opens_near_identity():
    torch.manual_seed(0)
    gate = GRUGate(WIDTH)
    stream, found = torch.randn(500, WIDTH), torch.randn(500, WIDTH)
    moved = (gate(stream, found) - stream).norm(dim=-1) / stream.norm(dim=-1)
    # a share of sigmoid(-2) = 0.12 of the way to a number between -1 and 1
    assert moved.mean() < 0.25
    with torch.no_grad():
        gate.found.weight.zero_()
        gate.stream.weight.zero_()
        gate.reset_stream.weight.zero_()
    torch.testing.assert_close(
        gate(stream, found), stream * (1 - torch.sigmoid(torch.tensor(-2.0)))
    )


def test_the_gated_block_starts_closer_to_identity_than_the_sum():
    torch.manual_seed(0)
    tokens, reading = torch.randn(64 * 5, WIDTH), among(64, 5)
    moved = {kind: (block(kind)(tokens, reading) - tokens).norm() for kind in ("gtrxl", "pre_norm")}
    assert moved["gtrxl"] < 0.6 * moved["pre_norm"]


def test_the_gate_is_its_formula_written_out():
    torch.manual_seed(0)
    gate = GRUGate(WIDTH).double()
    x, y = torch.randn(3, WIDTH).double(), torch.randn(3, WIDTH).double()
    w_r, w_z, w_g = gate.found.weight.chunk(3)
    b_r, b_z, b_g = gate.found.bias.chunk(3)
    u_r, u_z = gate.stream.weight.chunk(2)
    found = y.relu()
    r = torch.sigmoid(found @ w_r.T + b_r + x @ u_r.T)
    z = torch.sigmoid(found @ w_z.T + b_z + x @ u_z.T)
    h = torch.tanh(found @ w_g.T + b_g + (r * x) @ gate.reset_stream.weight.T)
    assert (b_z == -2).all()
    torch.testing.assert_close(gate(x, y), (1 - z) * x + z * h)


def test_a_growing_block_starts_as_identity_and_opens_with_the_first_step():
    torch.manual_seed(0)
    tokens, reading = torch.randn(2 * 4, WIDTH), among(2, 4)
    growing, plain = block("rezero"), block("pre_norm")
    plain.load_state_dict(growing.state_dict(), strict=False)
    assert torch.equal(growing(tokens, reading), tokens)
    growing(tokens, reading).square().sum().backward()
    # the shares move first: until then the layers cannot matter
    assert growing.after_attention.share.grad.item() != 0.0
    assert not growing.attention.output.weight.grad.any()
    torch.testing.assert_close(opened(growing)(tokens, reading), plain(tokens, reading))


@pytest.mark.parametrize("kind", BLOCKS)
def test_only_the_relational_block_shares_its_weights(kind):
    options = AttentionOptions(n_heads=2)
    stacks = {
        n: Stack(kind, n, WIDTH, options=options, feedforward=24, queries=("entities",))
        for n in (0, 1, 3)
    }
    sizes = {n: sum(p.numel() for p in stack.parameters()) for n, stack in stacks.items()}
    assert sizes[0] == 0
    assert sizes[3] == sizes[1] if kind == "relational" else 3 * sizes[1]


def test_the_relational_stack_is_its_block_applied_again():
    torch.manual_seed(0)
    options = AttentionOptions(n_heads=2)
    stack = Stack("relational", 3, WIDTH, options=options, feedforward=24, queries=("entities",))
    tokens, reading = torch.randn(2 * 4, WIDTH), among(2, 4)
    expected = tokens
    for _ in range(3):
        expected = stack.blocks[0](expected, reading)
    torch.testing.assert_close(stack(tokens, reading), expected)
    assert len(stack.blocks) == 1


@pytest.mark.parametrize("kind", BLOCKS)
def test_without_keys_tokens_read_each_other(kind):
    torch.manual_seed(0)
    one = opened(block(kind, n_heads=2))
    tokens, reading = torch.randn(2, 3, WIDTH), among(2, 3)
    changed = tokens.clone()
    changed[:, 2] = 0.0
    first, second = (one(x.flatten(end_dim=1), reading).view(2, 3, -1) for x in (tokens, changed))
    assert not torch.allclose(first[:, 0], second[:, 0])
    across = opened(
        BLOCKS[kind](WIDTH, options=AttentionOptions(), feedforward=24, queries=("a",), keys=("b",))
    )
    keys = torch.randn(2 * 5, WIDTH)
    reading = read_pairs(reading.queries, full_layout(2, 5, torch.device("cpu")))
    first, second = (
        across(x.flatten(end_dim=1), reading, keys).view(2, 3, -1) for x in (tokens, changed)
    )
    # a token that reads others does not see its neighbours
    torch.testing.assert_close(first[:, 0], second[:, 0])
