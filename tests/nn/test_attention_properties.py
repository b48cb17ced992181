"""What must hold for every member of the family, whatever the input."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.nn import (
    SCORES,
    WEIGHTS,
    AttentionOptions,
    CrossAttentionBlock,
    LearnedQueryPooling,
    MultiHeadAttention,
    SelfAttentionBlock,
)

WIDTH = 8
SEGMENTS = ("entities",)
MEMBERS = [
    AttentionOptions(n_heads=2, score=score, weights=weights, top_k=2)
    for weights in WEIGHTS
    for score in SCORES
    if weights != "uniform" or score == "scaled_dot_product"
]


def name_of(options):
    return f"{options.score}-{options.weights}"


class Reader(torch.nn.Module):
    """Self-attention seen as a module of tokens and mask."""

    def __init__(self, options):
        super().__init__()
        self.attention = MultiHeadAttention(WIDTH, options=options, queries=SEGMENTS, keys=SEGMENTS)

    def forward(self, tokens, mask):
        return self.attention(tokens, tokens, mask, mask)


class Cross(torch.nn.Module):
    """Cross-attention of tokens with themselves as the other kind."""

    def __init__(self, options):
        super().__init__()
        self.block = CrossAttentionBlock(
            WIDTH, options=options, feedforward=12, queries=SEGMENTS, keys=SEGMENTS
        )

    def forward(self, tokens, mask):
        return self.block(tokens, tokens.flip(1), mask, mask.flip(1))


class Pool(torch.nn.Module):
    """Pooling, given one token's axis to look like the others."""

    def __init__(self, options):
        super().__init__()
        self.pooling = LearnedQueryPooling(WIDTH, options=options, keys=SEGMENTS)

    def forward(self, tokens, mask):
        asker = torch.linspace(-1, 1, WIDTH, dtype=tokens.dtype).expand(len(tokens), -1)
        return self.pooling(tokens, mask, asker)[:, None]


def self_block(options):
    return SelfAttentionBlock(WIDTH, options=options, feedforward=12, segments=SEGMENTS)


MODULES = {"attention": Reader, "block": self_block, "cross": Cross, "pooling": Pool}


@st.composite
def cases(draw, min_real=0):
    """A module in double precision with a batch of tokens and their mask."""
    name = draw(st.sampled_from(sorted(MODULES)))
    options = draw(st.sampled_from(MEMBERS))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    batch, n_tokens = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    torch.manual_seed(draw(st.integers(0, 2**16)))
    module = MODULES[name](options).double()
    module.member = options
    tokens = torch.randn(batch, n_tokens, WIDTH, generator=generator, dtype=torch.float64)
    mask = torch.rand(batch, n_tokens, generator=generator) < 0.6
    if min_real:
        mask[:, 0] = True
    return name, module, tokens, mask


def real(name, output, mask):
    """Keep the rows that mean something: those of real tokens, or the pooled one."""
    return output if name == "pooling" else output * mask[..., None]


@given(cases(), st.randoms(use_true_random=False))
def test_permuting_tokens_permutes_the_output(case, random):
    name, module, tokens, mask = case
    order = list(range(tokens.shape[1]))
    random.shuffle(order)
    before = real(name, module(tokens, mask), mask)
    after = real(name, module(tokens[:, order], mask[:, order]), mask[:, order])
    expected = before if name == "pooling" else before[:, order]
    if name == "cross":  # its keys are the flipped tokens: any order of keys is the same set
        expected = before[:, order]
    torch.testing.assert_close(after, expected, atol=1e-10, rtol=0)


@given(cases(), st.sampled_from([0.0, -3.0, 1e30, float("inf"), float("nan")]))
def test_padding_changes_nothing(case, filler):
    name, module, tokens, mask = case
    padding = torch.full((len(tokens), 3, WIDTH), filler, dtype=tokens.dtype)
    wider = torch.cat([tokens, padding], dim=1)
    wider_mask = torch.cat([mask, torch.zeros(len(mask), 3, dtype=torch.bool)], dim=1)
    before = real(name, module(tokens, mask), mask)
    after = module(wider, wider_mask)
    after = after if name == "pooling" else after[:, : tokens.shape[1]]
    torch.testing.assert_close(real(name, after, mask), before, atol=1e-10, rtol=0)


@given(cases())
def test_masked_tokens_have_no_effect_and_no_gradient(case):
    name, module, tokens, mask = case
    garbage = torch.where(mask[..., None], tokens, torch.full_like(tokens, 1e30))
    garbage.requires_grad_()
    output = real(name, module(garbage, mask), mask)
    torch.testing.assert_close(output, real(name, module(tokens, mask), mask))
    output.square().sum().backward()
    assert (garbage.grad[~mask] == 0).all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())


@given(cases())
def test_a_row_without_a_real_token_reads_zeros(case):
    name, module, tokens, mask = case
    mask = mask.clone()
    mask[0] = False
    tokens.requires_grad_()
    output = module(tokens, mask)
    assert output.isfinite().all()
    if name in ("attention", "pooling"):
        assert (output[0] == 0).all()
    output.sum().backward()
    assert tokens.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())


@given(cases())
def test_weights_are_a_distribution_over_the_real_keys(case):
    _, module, tokens, mask = case
    seen = []
    for probe in [m for m in module.modules() if type(m).__name__ == "Probe"]:
        probe.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs))
    module(tokens, mask)
    assert seen
    for weights, _, key_mask in seen:
        hidden = ~key_mask[:, None, None, :].expand_as(weights)
        assert (weights >= 0).all()
        assert (weights[hidden] == 0).all()
        total = key_mask.any(dim=1).to(weights.dtype)[:, None, None].expand(weights.shape[:3])
        torch.testing.assert_close(weights.sum(dim=-1), total)


@given(cases())
def test_rows_of_a_batch_do_not_leak(case):
    name, module, tokens, mask = case
    together = real(name, module(tokens, mask), mask)
    for row in range(len(tokens)):
        alone = real(name, module(tokens[row : row + 1], mask[row : row + 1]), mask[row : row + 1])
        torch.testing.assert_close(alone[0], together[row], atol=1e-10, rtol=0)
    poisoned = tokens.clone()
    poisoned[0] = float("nan")
    after = real(name, module(poisoned, mask), mask)
    torch.testing.assert_close(after[1:], together[1:], atol=1e-10, rtol=0)


@given(cases())
def test_training_and_acting_agree_bitwise(case):
    name, module, tokens, mask = case
    tokens, module = tokens.float(), module.float()
    trained = module.train()(tokens.requires_grad_(), mask).detach()
    with torch.no_grad():
        acted = module.eval()(tokens, mask)
    assert torch.equal(trained, acted), name


@given(cases(min_real=1))
def test_every_parameter_gets_a_gradient_and_every_token_counts(case):
    _, module, tokens, mask = case
    mask = torch.ones_like(mask)
    tokens.requires_grad_()
    output = module(tokens, mask)
    (output * torch.randn_like(output)).sum().backward()
    missing = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    sparse = module.member.weights == "sparsemax"
    if tokens.shape[1] == 1 or sparse:  # a key may have the weight 1, whatever its score
        asking = (".query", ".key", "seed", "score.", "norm.")
        missing = [n for n in missing if not any(part in n for part in asking)]
    # adding the same to every score of a row changes no weight: the key's bias cancels
    assert [n for n in missing if not n.endswith("key.bias")] == []
    assert sparse or tokens.grad.abs().sum(dim=-1).all()


# the gradient of topk is another's by definition; it is tested by its values
@pytest.mark.parametrize("options", [o for o in MEMBERS if o.weights != "topk"], ids=name_of)
@pytest.mark.parametrize("name", sorted(MODULES))
def test_first_and_second_gradients(name, options):
    torch.manual_seed(0)
    module = MODULES[name](options).double()
    tokens = torch.randn(3, 3, WIDTH, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])

    def run(tokens):
        return real(name, module(tokens, mask), mask)

    assert torch.autograd.gradcheck(run, (tokens,))
    assert torch.autograd.gradgradcheck(run, (tokens,))


@pytest.mark.parametrize("options", MEMBERS, ids=name_of)
@pytest.mark.parametrize("name", sorted(MODULES))
def test_large_scores_and_half_precision_stay_finite(name, options):
    torch.manual_seed(0)
    module = MODULES[name](options)
    tokens = torch.randn(2, 5, WIDTH) * 1e4
    mask = torch.tensor([[True] * 3 + [False] * 2, [False] * 5])
    assert module(tokens, mask).isfinite().all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert module(tokens, mask).isfinite().all()
