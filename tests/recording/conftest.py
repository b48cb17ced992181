"""A small network with probes, and maps made by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from rl_attention.nn.probe import Probe
from rl_attention.recording import AttentionMap, ProbeSet


class TinyAttention(nn.Module):
    """One attention layer; its output is exactly `weights @ values`."""

    def __init__(self, width=4, heads=2, queries=("entities",), keys=("entities",)):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.probe = Probe(queries, keys)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x, mask):
        values = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # B H N D/H
        asked = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        scores = (asked @ values.transpose(-1, -2)).masked_fill(~mask[:, None, None, :], -1e9)
        weights = self.probe(scores.softmax(dim=-1) * mask[:, None, None, :], mask, key_mask=mask)
        return self.dropout((weights @ values).transpose(1, 2).flatten(start_dim=2))


class TinyNet(nn.Module):
    """Two layers with weights of their own, then the first once more."""

    def __init__(self):
        super().__init__()
        self.first = TinyAttention()
        self.second = TinyAttention()

    def forward(self, x, mask):
        return self.first(self.second(self.first(x, mask), mask), mask)


@pytest.fixture
def tiny_net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TinyNet()


@pytest.fixture
def tiny_input():
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(3, 5, 4)), dtype=torch.float32)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)
    return x, mask


@pytest.fixture
def make_map():
    def make(weights, *, queries=("query",), keys=("entities",), query_mask=None, key_mask=None):
        weights = np.asarray(weights, dtype=np.float32)
        batch, _, n_queries, n_keys = weights.shape
        if query_mask is None:
            query_mask = np.ones((batch, n_queries), dtype=bool)
        if key_mask is None:
            key_mask = np.ones((batch, n_keys), dtype=bool)
        masks = np.asarray(query_mask, dtype=bool), np.asarray(key_mask, dtype=bool)
        return AttentionMap("probe", weights, queries, keys, *masks)

    return make


@pytest.fixture
def full_probes():
    """Two probes with everything: three entity slots, four word slots."""
    rng = np.random.default_rng(1)
    return ProbeSet(
        observations={
            "entities": rng.integers(0, 5, (2, 3, 5)).astype(np.int8),
            "mission": np.array([[1, 2, 0, 0], [3, 4, 5, 6]], dtype=np.int16),
        },
        frames=rng.integers(0, 255, (2, 224, 224, 3), dtype=np.uint8),
        boxes=np.array(
            [
                [[0, 0, 32, 32], [64, 32, 96, 64], [0, 0, 0, 0]],
                [[192, 192, 224, 224], [96, 0, 128, 32], [32, 64, 64, 96]],
            ],
            dtype=np.int32,
        ),
        types=np.array([["key", "door", ""], ["ball", "key", "key"]]),
        labels=np.array([["red key", "blue door", ""], ["grey ball", "red key", "green key"]]),
        agent_boxes=np.array([[96, 192, 128, 224]] * 2, dtype=np.int32),
        words=np.array([["go", "left", "", ""], ["open", "the", "red", "door"]]),
        missions=np.array(["go left", "open the red door"]),
        names=np.array(["start", "at the door"]),
    )
