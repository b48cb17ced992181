"""Settings that every test shares."""

import os
import signal

import pytest
import torch
from hypothesis import HealthCheck, settings

# the same examples each time: a red test is then red for everyone
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
torch.set_num_threads(1)


@pytest.fixture
def ctrl_c():
    """Let SIGINT raise KeyboardInterrupt, also where it is ignored: in a script's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
