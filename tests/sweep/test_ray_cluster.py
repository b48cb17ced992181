import socket
from types import SimpleNamespace

import pytest

from rl_attention.errors import UserError
from rl_attention.sweep.ray_cluster import connected, count_slots, wait_for_room


def fake(*nodes, total=None):
    described = [{"Alive": alive, "Resources": resources} for alive, resources in nodes]
    return SimpleNamespace(nodes=lambda: described, cluster_resources=lambda: total)


@pytest.mark.parametrize("address", ["ray://h:1", "h", ":1", "h:", "h:x"])
def test_an_address_is_a_host_and_a_port(address):
    with (
        pytest.raises(UserError, match="--address: expected HOST:PORT"),
        connected(None, address, retries=0),
    ):
        pass


def test_where_nothing_listens_is_said_at_once():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    with (
        pytest.raises(UserError, match=f"no Ray cluster answers at {address}"),
        connected(None, address, retries=0),
    ):
        pass


def test_a_trial_must_fit_on_one_node():
    ray = fake((True, {"CPU": 4.0}), (True, {"CPU": 2.0, "GPU": 1.0}), (False, {"CPU": 64.0}))
    wait_for_room(ray, 4, 0.0, patience=0.0)
    wait_for_room(ray, 2, 0.5, patience=0.0)
    line = r"4 CPUs and 0 GPUs, 2 CPUs and 1 GPUs\), got 4 CPUs and 1 GPUs"
    with pytest.raises(UserError, match=line):
        wait_for_room(ray, 4, 1.0, patience=0.0)
    with pytest.raises(UserError, match=r"\(no node\)"):
        wait_for_room(fake(), 1, 0.0, patience=0.0)


@pytest.mark.parametrize(
    ("cpus", "gpus", "slots"), [(1, 0.0, 10), (3, 0.0, 3), (1, 0.5, 4), (99, 0.0, 1)]
)
def test_room_is_counted_by_the_scarcest(cpus, gpus, slots):
    assert count_slots(fake(total={"CPU": 10.0, "GPU": 2.0}), cpus, gpus) == slots
