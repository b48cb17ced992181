"""The Ray executor, on real clusters: of one node, and of three."""

import hashlib
import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import attempts_for_tests as attempts
import pytest
import yaml

HERE = Path(__file__).parent
SUITE = {
    "n_timesteps": 4096,
    "device": "cpu",
    "hyperparams": {"n_steps": 64},
    "recording": {"snapshots": 0},
    "eval": {"n_episodes": 4},
    "num_threads": 1,
    "arms": {"attention": {}, "uniform": {}, "mlp": {}},
    "seeds": [0],
    "tasks": {"empty": {"env": {"id": "MiniGrid-Empty-5x5-v0", "n_envs": 4}}},
    "checkpoint": {"every": 1024},
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra `ray`"),
    pytest.mark.skipif(sys.platform != "linux", reason="Ray starts several nodes on Linux alone"),
]


@pytest.fixture(scope="module")
def settings():
    """The environment of every Ray process: authenticated, and nothing left in a home folder."""
    there = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return {**there, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


class Nodes:
    def __init__(self, settings):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "ray_cluster_for_tests.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=settings,
            start_new_session=True,
        )
        self.address = self._read()

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self._read() == word

    def _read(self):
        line = self.process.stdout.readline().strip()
        assert line, "the cluster did not come"
        return line

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def nodes(settings):
    cluster = Nodes(settings)
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    file = tmp_path_factory.mktemp("suite") / "suite.yaml"
    file.write_text(yaml.safe_dump(SUITE))
    return file


@pytest.fixture(scope="module")
def local(suite, settings, tmp_path_factory):
    runs = tmp_path_factory.mktemp("local")
    driver = start(suite, runs, settings)
    output, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, output
    return hashes(runs)


def start(suite, runs, settings, *options):
    arguments = ["sweep", str(suite), "-f", str(runs), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "rl_attention", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=settings,
        start_new_session=True,
        # a shell's background jobs ignore Ctrl-C, and so would all that they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def hashes(runs):
    return {
        file.parent.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in runs.glob("*/*/policy.safetensors")
    }


def wait_until(condition, driver, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert driver.poll() is None, driver.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def steps(runs):
    """How far each run is that has begun to train."""
    found = []
    for file in runs.glob("*/*/progress.json"):
        found.append(json.loads(file.read_text())["step"])
    return [step for step in found if step]


def test_a_node_that_dies_takes_nothing_along(nodes, suite, settings, local, tmp_path):
    driver = start(suite, tmp_path, settings, "--executor", "ray", "--address", nodes.address)
    wait_until(lambda: len(steps(tmp_path)) >= 2, driver)
    nodes.tell("kill")
    nodes.tell("add")
    output, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0, output
    assert "Traceback" not in output
    assert hashes(tmp_path) == local
    starts = [log.read_text().count("On ") for log in tmp_path.glob("*/*/log.txt")]
    assert max(starts) >= 2, "no trial was on the node that died"


def test_after_a_dead_driver_the_same_command_finishes(nodes, suite, settings, local, tmp_path):
    options = ("--executor", "ray", "--address", nodes.address)
    driver = start(suite, tmp_path, settings, *options)
    wait_until(lambda: list(tmp_path.glob("*/*/results.json")), driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    finished = list(tmp_path.glob("*/*/results.json"))
    assert len(finished) < len(local)
    before = {file: file.stat().st_mtime_ns for file in finished}
    again = start(suite, tmp_path, settings, *options)
    output, _ = again.communicate(timeout=400)
    assert again.returncode == 0, output
    assert f"{len(finished)} of 3 runs are finished" in output
    assert {file: file.stat().st_mtime_ns for file in finished} == before
    assert hashes(tmp_path) == local


def test_a_trial_that_fails_is_named_and_the_others_finish(nodes, suite, settings, local, tmp_path):
    bad = tmp_path / "MiniGrid-Empty-5x5-v0" / next(name for name in local if "mlp" in name)
    bad.mkdir(parents=True)
    (bad / "config.yaml").write_text("[")
    driver = start(suite, tmp_path, settings, "--executor", "ray", "--address", nodes.address)
    output, _ = driver.communicate(timeout=400)
    assert driver.returncode == 1, output
    assert "Traceback" not in output
    assert output.count("config.yaml") == 2  # when it failed, and at the end
    assert "1 of 3 runs failed" in output
    assert hashes(tmp_path) == {name: value for name, value in local.items() if name != bad.name}


def test_a_wrong_token_is_refused(nodes, suite, settings, tmp_path):
    wrong = {**settings, "RAY_AUTH_TOKEN": "0" * 64}
    driver = start(suite, tmp_path, wrong, "--executor", "ray", "--address", nodes.address)
    output, _ = driver.communicate(timeout=200)
    assert driver.returncode == 2, output
    assert "Error: --executor ray: cannot connect" in output
    assert "must be its token" in output
    assert not list(tmp_path.glob("*/*/config.yaml"))


def test_ctrl_c_saves_and_leaves_no_process(suite, settings, tmp_path):
    long = yaml.safe_load(suite.read_text())
    file = tmp_path / "long.yaml"
    file.write_text(yaml.safe_dump({**long, "n_timesteps": 10_000_000}))
    runs = tmp_path / "runs"
    driver = start(file, runs, settings, "--executor", "ray", "-j", "1")
    wait_until(lambda: steps(runs), driver)
    time.sleep(1)
    os.killpg(driver.pid, signal.SIGINT)  # a terminal tells the whole group
    output, _ = driver.communicate(timeout=100)
    assert driver.returncode == 130, output
    assert "the same command runs the unfinished ones again" in output.splitlines()[-1]
    assert "Traceback" not in output
    (log,) = runs.glob("*/*/log.txt")
    assert "Interrupted" in log.read_text()
    assert not still_there(driver.pid)


def still_there(session):
    found = subprocess.run(
        ["ps", "-s", str(session), "-o", "stat=,args="], capture_output=True, text=True
    )
    return [line for line in found.stdout.splitlines() if not line.startswith("Z")]


def run_driver(runs, settings, attempt, seeds, **options):
    script = str(HERE / "ray_driver_for_tests.py")
    done = subprocess.run(
        [sys.executable, script, str(runs), attempt, json.dumps(seeds), json.dumps(options)],
        env=settings,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("batch", [1, 3])
def test_every_way_to_end(settings, tmp_path, batch):
    seeds = [0, 1, 2, 3, 4, 5, 7, 8]
    errors = run_driver(tmp_path, settings, "attempt", seeds, retries=1, batch=batch)
    trials = attempts.make_trials(tmp_path, seeds)
    ended = dict(zip(seeds, errors, strict=True))
    for kind in (attempts.FINE, attempts.PASSING, attempts.DIES_ONCE, attempts.LAST):
        assert ended[kind] is None
    assert "seed 3 lost its worker every time" in ended[attempts.DIES]
    assert ended[attempts.REFUSES] == "mlp seed 4: it cannot be had"
    assert "broken beyond repair" in ended[attempts.BREAKS]
    assert "seed 7 failed" in ended[attempts.STOPS]
    assert attempts.count_starts(trials[attempts.PASSING]) == 2
    if batch == 1:
        assert attempts.count_starts(trials[attempts.DIES]) == 2
        assert attempts.count_starts(trials[attempts.BREAKS]) == 1


def test_hundreds_of_trivial_trials_share_a_few_workers(settings, tmp_path):
    seeds = list(range(500))
    errors = run_driver(tmp_path, settings, "trivial", seeds, batch=25, workers=2)
    assert errors == [None] * 500
    assert len(attempts.processes(attempts.make_trials(tmp_path, seeds))) <= 6


def test_a_cluster_of_our_own_is_for_this_machine_alone(settings, tmp_path):
    open_to_all = {key: value for key, value in settings.items() if key != "RAY_AUTH_MODE"}
    assert run_driver(tmp_path, open_to_all, "look_around", [0]) == [None]
    (found,) = tmp_path.glob("*/*/results.json")
    there = json.loads(found.read_text())
    assert (there["address"], there["mode"]) == ("127.0.0.1", "token")


def test_a_trial_gets_its_cpus_and_its_share_of_a_gpu(nodes, settings, tmp_path):
    options = {"address": nodes.address, "gpus_per_trial": 0.5}
    assert run_driver(tmp_path, settings, "look_around", [0, 1], **options) == [None, None]
    for found in tmp_path.glob("*/*/results.json"):
        there = json.loads(found.read_text())
        assert (there["threads"], there["gpus"]) == ("1", "0")
