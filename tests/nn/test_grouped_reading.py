"""Rows of many tokens are computed group by group, and nobody can tell."""

import pytest
import torch

from rl_attention.nn import WEIGHTS, AttentionOptions, MultiHeadAttention, full_layout, layout_of
from rl_attention.nn.groups import GROWTH, SHORT, GroupReading
from rl_attention.nn.reading import read_pairs
from rl_attention.nn.relations import LONG, Relations

LENGTHS = (90, 0, 3, 17, 40, 88, 16, 1, 55, 90)


def layout_with(lengths):
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return layout_of(mask[:, torch.randperm(max(lengths))])


def gradients(module, tokens, reading):
    module.zero_grad()
    given = tokens.clone().requires_grad_()
    found = module(given, reading)
    (found * torch.linspace(-1, 1, found.numel()).view(found.shape)).sum().backward()
    return found.detach(), given.grad, [p.grad.clone() for p in module.parameters()]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_groups_give_what_pairs_give(weights):
    torch.manual_seed(0)
    options = AttentionOptions(n_heads=2, weights=weights, top_k=3)
    module = MultiHeadAttention(8, options=options, queries=("a",)).double()
    layout = layout_with(LENGTHS)
    tokens = torch.randn(sum(LENGTHS), 8).double()
    expected = gradients(module, tokens, read_pairs(layout, layout))
    torch.testing.assert_close(gradients(module, tokens, GroupReading(layout, layout)), expected)


@pytest.mark.parametrize("lengths", [LENGTHS, (70,) * 3, (SHORT, 2, 1), (1,), (0, 0, 1)])
def test_every_token_is_in_one_group_of_rows_of_like_length(lengths):
    torch.manual_seed(0)
    layout = layout_with(lengths)
    groups = GroupReading(layout, layout).groups
    assert sorted(torch.cat([tokens for tokens, _ in groups]).tolist()) == list(range(sum(lengths)))
    for _, reading in groups:
        longest, shortest = int(reading.keys.count.max()), int(reading.keys.count.min())
        assert reading.keys.n_slots == longest
        assert longest <= SHORT or longest < GROWTH * (shortest + 1)


def test_what_is_no_number_stays_in_its_row():
    torch.manual_seed(0)
    module = MultiHeadAttention(8, options=AttentionOptions(n_heads=2), queries=("a",))
    layout = layout_with(LENGTHS)
    tokens = torch.randn(sum(LENGTHS), 8)
    tokens[0] = torch.nan
    with torch.no_grad():
        found = module(tokens, GroupReading(layout, layout))
    assert torch.equal(found.isnan().all(dim=1), layout.row == 0)


def test_who_listens_hears_the_weights_that_pairs_have():
    torch.manual_seed(0)
    module = MultiHeadAttention(8, options=AttentionOptions(n_heads=2), queries=("a",)).double()
    layout = layout_with((70, 5, 20))
    heard = []
    module.probe.register_forward_hook(lambda probe, given, weights: heard.append(weights))
    tokens = torch.randn(95, 8).double()
    for reading in (read_pairs(layout, layout), GroupReading(layout, layout)):
        module(tokens, reading)
    torch.testing.assert_close(*heard)


def test_long_rows_are_grouped_however_uneven_they_are():
    for lengths in ((LONG, 3), (LONG, *(2,) * 30)):
        layout = layout_with(lengths)
        rows = full_layout(len(lengths), 1, torch.device("cpu"))
        assert type(Relations(n_heads=2)(rows, layout, None)) is GroupReading


def test_no_token_at_all_is_no_group():
    layout = layout_of(torch.zeros(2, 3, dtype=torch.bool))
    module = MultiHeadAttention(8, options=AttentionOptions(n_heads=2), queries=("a",))
    assert module(torch.zeros(0, 8), GroupReading(layout, layout)).shape == (0, 8)
