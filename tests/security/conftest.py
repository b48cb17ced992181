"""A run to copy and spoil."""

import shutil

import pytest
from opening import ARMS, TINY, call


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder of runs: attention, and a normalised flat one."""
    runs = tmp_path_factory.mktemp("made") / "runs"
    for options in ARMS.values():
        assert call("train", *TINY, *options, "-f", runs).exit_code == 0
    return runs


@pytest.fixture
def runs(made, tmp_path):
    """A copy of them."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def marker(tmp_path):
    """Where a payload would leave its mark."""
    marker = tmp_path / "marker"
    yield marker
    assert not marker.exists()
