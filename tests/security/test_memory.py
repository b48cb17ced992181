"""Hostile files within a limit of memory, in a process of their own."""

import subprocess
import sys

import pytest
from opening import folder_of

ROOM = 768 << 20

CODE = """
import resource, sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
import hostile
from rl_attention.errors import UserError
from rl_attention.experiment.loading import load_policy

folder = Path(sys.argv[1])
load_policy(folder).env.close()  # libraries are loaded by now
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[3]),) * 2)

config = (folder / "config.yaml").read_text()
keys = ["max_entities: 32", "n_envs: 2", "width: 64", "n_heads: 4", "n_blocks: 1", "n_latents: 8"]
keys += ["top_k: 4", "radius: 2", "features_dim: 128", "feedforward: 128", "n_probes: 2"]
keys += ["n_timesteps: 64", "n_steps: 8", "n_epochs: 4", "net_arch:\\n- 64"]
for key in keys:
    for number in (10**4, 10**6, 10**9, 2**53):
        assert key in config, key
        name, blank, _ = key.rpartition(" ")
        (folder / "config.yaml").write_text(config.replace(key, f"{name}{blank}{number}"))
        try:
            load_policy(folder).env.close()
        except UserError as error:
            assert str(error).isprintable(), error
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_giant_sizes_in_a_config_cost_no_memory(runs, pytestconfig):
    arguments = [folder_of(runs), pytestconfig.rootpath / "tests" / "security", ROOM]
    run = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)], capture_output=True, text=True
    )
    assert run.stdout == "done\n", run.stderr
