"""Packed, merged and chunked, the network computes what a plain padded one does."""

import pytest
import torch
from gymnasium import spaces
from spaces_for_tests import SPACES
from stable_baselines3.common.preprocessing import preprocess_obs
from torch.nn import functional as F

from rl_attention import AttentionExtractor
from rl_attention.extractors import EXTRACTORS
from rl_attention.nn import Probe
from rl_attention.tokenizers.distinct import distinct_observations

SYMBOLS = spaces.Dict({k: v for k, v in SPACES["everything"].items() if k != "speed"})
SMALL = {"width": 8, "n_heads": 2, "feedforward": 12, "features_dim": 16}


def padded_attention(layer, queries, keys, mask):
    """Attention over `B Q D` and `B K D`, as PyTorch computes it; zeros where no key is real."""
    if hasattr(layer, "query"):
        query = layer.query(queries)
        key, value = layer.key_content(keys).chunk(2, dim=-1)
    else:
        query, key, value = layer.query_key_content(queries).chunk(3, dim=-1)
    heads = layer.options.n_heads
    query, key, value = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    some = mask.any(dim=1)
    seen = (mask | ~some[:, None])[:, None, None, :]
    found = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    found = layer.output(found.transpose(1, 2).flatten(start_dim=2))
    return found * some[:, None, None]


def padded_block(block, tokens, mask, keys=None):
    read = block.norm(tokens) if keys is None else block.key_norm(keys)
    tokens = tokens + padded_attention(block.attention, block.norm(tokens), read, mask)
    return tokens + block.feedforward(block.feedforward_norm(tokens))


def padded_embedding(encoder, rows):
    """A table lookup a column, summed; every column of these spaces is categorical."""
    ids = (rows - encoder.low).long().clamp(min=0).minimum(encoder.last)
    return F.embedding(ids + encoder.embedding.offsets, encoder.embedding.table).sum(dim=-2)


def padded_forward(extractor, observations):
    """Every slot of every row is computed, and masks take the padding out."""
    parts = extractor.tokenizer
    mask, words_mask = observations["mask"] > 0.5, observations["mission_mask"] > 0.5
    entities = padded_embedding(parts.entities.encoder, observations["entities"])
    words = padded_embedding(parts.words.encoder, observations["mission"][..., None])
    words = words + parts.words.positions.tables[0]
    words = words + parts.words.mix(parts.words.norm(words))
    rest = [observations[key].flatten(start_dim=1) for key in parts.summary.keys]
    token = (extractor.global_token + parts.summary.layers(torch.cat(rest, dim=1)))[:, None]
    token = padded_block(extractor.mixer.words.blocks[0], token, words_mask, words)
    tokens = torch.cat([token, entities], dim=1)
    mask = torch.cat([torch.ones_like(mask[:, :1]), mask], dim=1)
    for block in extractor.mixer.blocks.blocks:
        tokens = padded_block(block, tokens, mask)
    token, entities, pooling = tokens[:, :1], tokens[:, 1:], extractor.pooling
    query = pooling.query_norm(token + pooling.seed)
    found = padded_attention(pooling.attention, query, pooling.norm(entities), mask[:, 1:])
    return extractor.readout(torch.cat([token, found], dim=-1)[:, 0])


def observe(space, *, n_rows, n_kinds, seed):
    """Draw observations of which only so many are distinct, with words and masks of any length."""
    space.seed(seed)
    samples = [space.sample() for _ in range(n_kinds)]
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randint(n_kinds, (n_rows,), generator=generator)
    stacked = {key: torch.stack([torch.as_tensor(s[key]) for s in samples]) for key in samples[0]}
    stacked["mask"][0] = 0  # a row without any entity
    return preprocess_obs({key: values[kinds] for key, values in stacked.items()}, space)


@pytest.mark.parametrize("n_kinds", [3, 40, 600])
@pytest.mark.parametrize("n_blocks", [1, 2])
def test_features_and_gradients_are_those_of_the_padded_network(n_kinds, n_blocks):
    torch.manual_seed(0)
    extractor = AttentionExtractor(SYMBOLS, **SMALL, n_blocks=n_blocks).double()
    observations = observe(SYMBOLS, n_rows=600, n_kinds=n_kinds, seed=n_kinds)
    observations = {key: values.double() for key, values in observations.items()}
    weight = torch.randn(600, 16, dtype=torch.float64)
    found = []
    for forward in (extractor, lambda seen: padded_forward(extractor, seen)):
        extractor.zero_grad()
        features = forward(observations)
        (features * weight).sum().backward()
        found.append([features.detach(), *(p.grad.clone() for p in extractor.parameters())])
    torch.testing.assert_close(found[0], found[1], atol=1e-9, rtol=1e-9)


def test_in_single_precision_they_agree_to_a_millionth():
    torch.manual_seed(0)
    extractor = AttentionExtractor(SYMBOLS)
    observations = observe(SYMBOLS, n_rows=600, n_kinds=100, seed=1)
    with torch.no_grad():
        packed, padded = extractor(observations), padded_forward(extractor, observations)
    torch.testing.assert_close(packed, padded, atol=2e-6, rtol=1e-5)


def test_equal_observations_are_computed_once_and_only_where_that_changes_nothing():
    observations = observe(SYMBOLS, n_rows=600, n_kinds=40, seed=0)
    torch.manual_seed(0)
    extractor = AttentionExtractor(SYMBOLS, **SMALL)
    sizes, features = [], extractor.features

    def counted(tokenized):
        sizes.append(tokenized.entities.layout.n_rows)
        return features(tokenized)

    extractor.features = counted
    extractor(observations)
    extractor({key: values[:64] for key, values in observations.items()})
    for part in (extractor.pooling.attention.probe, extractor.mixer):
        listened = part.register_forward_hook(lambda *_: None)
        extractor(observations)
        listened.remove()
    walls = observations["walls"].clone().requires_grad_()
    extractor({**observations, "walls": walls}).sum().backward()
    assert walls.grad.any(dim=1).all()
    assert sizes == [40, 64, 600, 600, 600]
    with pytest.warns(UserWarning, match="dropout"):
        dropping = AttentionExtractor(SYMBOLS, **SMALL, dropout=0.5)
    assert not dropping.train().merges
    assert dropping.eval().merges


def test_what_stands_in_the_padding_tells_no_observations_apart():
    observations = observe(SYMBOLS, n_rows=600, n_kinds=1, seed=0)
    observations["mask"][:] = torch.tensor([1.0, 0, 0, 0, 0, 0])
    observations["entities"][:, 1:] = torch.randn(600, 5, 4)
    extractor = AttentionExtractor(SYMBOLS, **SMALL)
    first, which = distinct_observations(observations, extractor.tokenizer.schema)
    assert len(first) == 1
    assert not which.any()


def test_numbers_and_images_are_not_searched_for_equals():
    for name in ("everything", "matrix", "image", "image in a dict"):
        assert not AttentionExtractor(SPACES[name]).tokenizer.symbolic
    assert AttentionExtractor(SPACES["cells"]).tokenizer.symbolic
    flags = spaces.Dict({**SYMBOLS.spaces, "mask": spaces.Box(0.0, 1.0, (6,))})
    assert AttentionExtractor(flags).tokenizer.symbolic


@pytest.mark.parametrize("weights", ["softmax", "sparsemax"])
@pytest.mark.parametrize("listened", [False, True])
def test_a_batch_without_any_word_is_read_all_the_same(weights, listened):
    observations = observe(SYMBOLS, n_rows=3, n_kinds=3, seed=0)
    observations["mission_mask"][:] = 0
    extractor = AttentionExtractor(SYMBOLS, **SMALL, weights=weights)
    if listened:
        for module in extractor.modules():
            if isinstance(module, Probe):
                module.register_forward_hook(lambda *_: None)
    assert extractor(observations).isfinite().all()


@pytest.mark.parametrize("name", ["attention", "uniform"])
def test_what_is_not_finite_shows(name):
    observations = observe(SYMBOLS, n_rows=9, n_kinds=9, seed=0)
    extractor = EXTRACTORS[name](SYMBOLS, **SMALL)
    layer = extractor.mixer.blocks.blocks[0].attention
    with torch.no_grad():
        (layer.query_key_content if name == "attention" else layer.content).bias[-8:] = torch.nan
    assert not extractor(observations).isfinite().any()
