import copy

import numpy as np
import pytest
import torch
from torch import nn

from rl_attention.errors import UserError
from rl_attention.recording import Recorder


def n_hooks(module):
    parts = list(module.modules())
    return sum(len(p._forward_hooks) + len(p._forward_pre_hooks) for p in parts)


def test_the_recorded_weights_are_the_weights_used(tiny_net, tiny_input):
    x, mask = tiny_input
    layer = tiny_net.first.eval()
    with Recorder(layer) as recorder:
        out = layer(x, mask)
    (found,) = recorder.maps.values()
    values = x.numpy().reshape(3, 5, 2, 2).transpose(0, 2, 1, 3)
    rebuilt = (found.weights @ values).transpose(0, 2, 1, 3).reshape(3, 5, 4)
    np.testing.assert_allclose(rebuilt, out.detach().numpy(), rtol=1e-6, atol=1e-7)
    assert found.weights.dtype == np.float32
    assert np.array_equal(found.key_mask, mask.numpy())
    assert found.query_mask.dtype == bool
    assert (found.queries, found.keys, found.name) == (("entities",), ("entities",), "probe")


def test_a_probe_that_fires_twice_is_numbered(tiny_net, tiny_input):
    with Recorder(tiny_net) as recorder:
        tiny_net(*tiny_input)
    assert list(recorder.maps) == ["first.probe", "second.probe", "first.probe#1"]


def test_maps_are_those_of_the_last_pass(tiny_net, tiny_input):
    x, mask = tiny_input
    with Recorder(tiny_net) as recorder:
        tiny_net(x, mask)
        tiny_net(x[:1], mask[:1])
    assert len(recorder.maps) == 3
    assert {found.weights.shape[0] for found in recorder.maps.values()} == {1}


@pytest.mark.parametrize("training", [True, False])
def test_recording_changes_nothing(tiny_net, tiny_input, training):
    tiny_net.train(training)
    state = copy.deepcopy(tiny_net.state_dict())
    torch.manual_seed(3)
    plain = tiny_net(*tiny_input)
    plain.sum().backward()
    grads = [p.grad.clone() for p in tiny_net.parameters()]
    after_plain = torch.get_rng_state()
    tiny_net.zero_grad()
    torch.manual_seed(3)
    with Recorder(tiny_net):
        recorded = tiny_net(*tiny_input)
    recorded.sum().backward()
    assert torch.equal(plain, recorded)
    assert torch.equal(after_plain, torch.get_rng_state())
    assert all(torch.equal(g, p.grad) for g, p in zip(grads, tiny_net.parameters(), strict=True))
    assert tiny_net.state_dict().keys() == state.keys()
    assert all(torch.equal(v, state[k]) for k, v in tiny_net.state_dict().items())
    assert all(module.training == training for module in tiny_net.modules())


def test_hooks_are_gone_even_after_an_error(tiny_net, tiny_input):
    recorder = Recorder(tiny_net)
    assert n_hooks(tiny_net) == 0
    with recorder:
        assert n_hooks(tiny_net) == 3
        with pytest.raises(RuntimeError):
            tiny_net(tiny_input[0][..., :3], tiny_input[1])
        tiny_net(*tiny_input)
    assert n_hooks(tiny_net) == 0
    with pytest.raises(RuntimeError), recorder:
        tiny_net(tiny_input[0][..., :3], tiny_input[1])
    assert n_hooks(tiny_net) == 0
    tiny_net(*tiny_input)
    assert recorder.maps == {}


def test_maps_are_copies(tiny_net):
    weights = torch.rand(1, 1, 2, 2)
    mask = torch.ones(1, 2, dtype=torch.bool)
    probe = tiny_net.first.probe
    with Recorder(probe) as recorder:
        probe(weights, mask, mask)
        probe(weights.bfloat16(), mask, mask)
    kept = recorder.maps[""].weights.copy()
    weights.zero_()
    assert np.array_equal(recorder.maps[""].weights, kept)
    np.testing.assert_allclose(recorder.maps["#1"].weights, kept, rtol=0.01)


def test_a_module_without_probes_is_refused():
    with pytest.raises(UserError, match="Linear holds no Probe"), Recorder(nn.Linear(1, 1)):
        pass
