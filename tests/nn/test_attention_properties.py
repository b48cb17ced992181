"""What must hold for every member of the family, whatever the input."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from parts_for_tests import MEMBERS, PARTS, READS_ZEROS, WIDTH, Out, name_of, places_of

from rl_attention.nn import AttentionOptions, Probe

NAMES = tuple(PARTS)
DEFAULT = AttentionOptions(n_heads=2)


@st.composite
def cases(draw, parts=NAMES):
    """A part in double precision with a batch of tokens and their mask."""
    name = draw(st.sampled_from(parts))
    options = draw(st.sampled_from(MEMBERS))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    batch, n_tokens = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    torch.manual_seed(draw(st.integers(0, 2**16)))
    module = PARTS[name](options).double()
    tokens = torch.randn(batch, n_tokens, WIDTH, generator=generator, dtype=torch.float64)
    mask = torch.rand(batch, n_tokens, generator=generator) < 0.6
    return name, options, module, tokens, mask


def run(module, tokens, mask):
    """Run a part, with zeros where a token is padding: those rows mean nothing."""
    each, whole = module(tokens, mask)
    return Out(None if each is None else each * mask[..., None], whole)


def assert_same(got, expected, atol=1e-10):
    for one, other in zip(got, expected, strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, atol=atol, rtol=0)


def total(out):
    return sum((part * torch.randn_like(part)).sum() for part in out if part is not None)


def listen(module):
    seen = []
    for probe in [m for m in module.modules() if isinstance(m, Probe)]:
        probe.register_forward_hook(lambda m, inputs, _: seen.append((m, *inputs)))
    return seen


@given(cases(), st.randoms(use_true_random=False))
def test_permuting_tokens_permutes_what_is_theirs_and_nothing_else(case, random):
    _, _, module, tokens, mask = case
    order = list(range(tokens.shape[1]))
    random.shuffle(order)
    each, whole = run(module, tokens, mask)
    expected = Out(None if each is None else each[:, order], whole)
    assert_same(run(module, tokens[:, order], mask[:, order]), expected)


@given(cases(), st.sampled_from([0.0, -3.0, 1e30, float("inf"), float("nan")]))
def test_padding_changes_nothing(case, filler):
    _, _, module, tokens, mask = case
    padding = torch.full((len(tokens), 3, WIDTH), filler, dtype=tokens.dtype)
    wider = torch.cat([tokens, padding], dim=1)
    wider_mask = torch.cat([mask, torch.zeros(len(mask), 3, dtype=torch.bool)], dim=1)
    each, whole = module(wider, wider_mask)
    if each is not None:
        each = each[:, : tokens.shape[1]] * mask[..., None]
    assert_same((each, whole), run(module, tokens, mask))


@given(cases())
def test_masked_tokens_have_no_effect_and_no_gradient(case):
    _, _, module, tokens, mask = case
    garbage = torch.where(mask[..., None], tokens, torch.full_like(tokens, 1e30))
    garbage.requires_grad_()
    output = run(module, garbage, mask)
    assert_same(output, run(module, tokens, mask))
    total(output).backward()
    assert (garbage.grad[~mask] == 0).all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())


@given(cases())
def test_a_row_without_a_real_token_reads_zeros(case):
    name, _, module, tokens, mask = case
    mask = mask.clone()
    mask[0] = False
    tokens.requires_grad_()
    output = module(tokens, mask)
    assert all(part.isfinite().all() for part in output if part is not None)
    if name in READS_ZEROS:
        assert all((part[0] == 0).all() for part in output if part is not None)
    total(output).backward()
    assert tokens.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())


@given(cases())
def test_weights_are_a_distribution_over_the_keys_that_may_be_read(case):
    name, options, module, tokens, mask = case
    seen = listen(module)
    module(tokens, mask)
    assert bool(seen) != (name in ("mean pooling", "max pooling"))
    for _, weights, query_mask, key_mask in seen:
        hidden = ~key_mask[:, None, None, :].expand_as(weights)
        assert (weights >= 0).all()
        assert (weights[hidden] == 0).all()
        asked = query_mask[:, None, :].expand(weights.shape[:3])
        readable = key_mask.any(dim=1).to(weights.dtype)[:, None, None].expand_as(asked)
        torch.testing.assert_close(weights.sum(dim=-1)[asked], readable[asked])
        if options.weights == "topk":
            kept = (weights > 0).sum(dim=-1)
            real = key_mask.sum(dim=1)[:, None, None].expand_as(kept)
            if name != "local":  # where fewer than all real keys may be read
                assert torch.equal(kept[asked], real.clamp(max=options.top_k)[asked])


@given(cases(parts=("local",)))
def test_local_never_reads_past_its_radius(case):
    _, options, module, tokens, mask = case
    seen = listen(module)
    module(tokens, mask)
    ((_, weights, _, _),) = seen
    mask = mask[:, : weights.shape[-1] - 1]  # slots that are padding everywhere are left out
    places = places_of(tokens[:, : mask.shape[1]], mask)
    far = ((places[:, :, None] - places[:, None]).abs() > 1).any(dim=-1)
    among = weights[:, :, 1:, 1:]  # the global token comes first: it reads all and is read by all
    assert (among[far[:, None].expand_as(among)] == 0).all()
    if options.weights in ("softmax", "uniform"):
        near = ~far & mask[:, :, None] & mask[:, None]
        assert (among[near[:, None].expand_as(among)] > 0).all()
        assert (weights[:, :, 0, 1:] > 0).permute(0, 2, 1)[mask].all()


@given(cases())
def test_rows_of_a_batch_do_not_leak(case):
    name, _, module, tokens, mask = case
    together = run(module, tokens, mask)
    for row in range(len(tokens)):
        alone = run(module, tokens[row : row + 1], mask[row : row + 1])
        assert_same(
            [part if part is None else part[0] for part in alone],
            [part if part is None else part[row] for part in together],
        )
    poisoned = tokens.clone()
    # keys that all rows share are words, which come from a table: a value there is finite
    poisoned[0] = 1e30 if name == "shared attention" else float("nan")
    each, whole = module(poisoned, mask)
    if each is not None:
        each = each[1:] * mask[1:, :, None]
    assert_same(
        (each, None if whole is None else whole[1:]),
        [part if part is None else part[1:] for part in together],
    )


@given(cases())
def test_training_and_acting_agree_bitwise(case):
    name, _, module, tokens, mask = case
    tokens, module = tokens.float(), module.float()
    trained = module.train()(tokens.requires_grad_(), mask)
    with torch.no_grad():
        acted = module.eval()(tokens, mask)
    for one, other in zip(trained, acted, strict=True):
        assert one is None or torch.equal(one.detach(), other), name


@given(cases())
def test_every_parameter_gets_a_gradient_and_every_token_counts(case):
    name, options, module, tokens, mask = case
    mask = torch.ones_like(mask)
    tokens.requires_grad_()
    total(module(tokens, mask)).backward()
    missing = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    sparse = options.weights == "sparsemax"
    if tokens.shape[1] == 1 or sparse:  # a key may have the weight 1, whatever its score
        asking = (".query", ".key", "seed", "score.", "norm.", "table")
        missing = [n for n in missing if not any(part in n for part in asking)]
    # adding the same to every score of a row changes no weight: the key's bias cancels
    assert [n for n in missing if not n.endswith("key.bias")] == []
    if name != "max pooling":  # a token that is nowhere the largest has no say
        assert sparse or tokens.grad.abs().sum(dim=-1).all()


CORE = ("attention", "pre_norm block", "pre_norm block across", "learned_query pooling")


# the gradient of topk is another's by definition; it is tested by its values
@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(
            name,
            options,
            id=f"{name}-{name_of(options)}",
            marks=() if name in CORE or options == DEFAULT else pytest.mark.slow,
        )
        for name in PARTS
        for options in [DEFAULT, *(o for o in MEMBERS if o.weights != "topk" and o != DEFAULT)]
    ],
)
def test_first_and_second_gradients(name, options):
    torch.manual_seed(0)
    module = PARTS[name](options).double()
    tokens = torch.randn(3, 3, WIDTH, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])

    def flat(tokens):
        return tuple(part for part in run(module, tokens, mask) if part is not None)

    assert torch.autograd.gradcheck(flat, (tokens,))
    assert torch.autograd.gradgradcheck(flat, (tokens,))


@pytest.mark.parametrize("options", MEMBERS, ids=name_of)
@pytest.mark.parametrize("name", PARTS)
def test_large_scores_and_half_precision_stay_finite(name, options):
    torch.manual_seed(0)
    module = PARTS[name](options).float()
    tokens = torch.randn(2, 5, WIDTH) * 1e4
    mask = torch.tensor([[True] * 3 + [False] * 2, [False] * 5])
    for kind in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind is torch.bfloat16):
            assert all(part.isfinite().all() for part in module(tokens, mask) if part is not None)
