import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs_for_tests import KINDS, assert_same_run

SCRIPT = Path(__file__).with_name("kill_loop.py")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, "sac"])
def test_killed_over_and_over_and_the_same_in_the_end(kind, tmp_path):
    """SIGKILL at random moments, the same run again each time: nothing differs by a bit."""
    command = [sys.executable, str(SCRIPT), kind, str(tmp_path), "0"]
    # the modules beside this one and those that all tests share
    places = os.pathsep.join([str(SCRIPT.parent), str(SCRIPT.parents[1])])
    environment = {**os.environ, "PYTHONPATH": places}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 8
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
