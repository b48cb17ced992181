"""Checkpoints made to do harm, whose hashes are right: those do not tell who wrote them."""

import json

import hostile
import numpy as np
import pytest
from opening import TINY, call, folder_of, nothing_unpickled, one_line

from rl_attention.checkpoints import CheckpointError, CheckpointStore
from rl_attention.checkpoints.training import REPLAY, STATE, TENSORS, load_training
from rl_attention.experiment.environments import build_env
from rl_attention.experiment.models import build_model
from rl_attention.experiment.run_folder import RunFolder

NETWORK = "policy/action_net.weight"


def files_of(checkpoint):
    return {name: checkpoint.file(name).read_bytes() for name in checkpoint.names}


def commit(store, files):
    """Store bytes under a manifest that agrees with them, as the best of all."""
    writers = {
        name: lambda file, content=content: file.write(content) for name, content in files.items()
    }
    return store.commit(10**6, writers, score=2.0)


def tensors(change):
    """Rewrite the safetensors file."""

    def spoil(files, marker, path):
        path.write_bytes(files[TENSORS])
        header, data = hostile.tensors_of(path)
        hostile.write_tensors(path, *change(header, bytearray(data)))
        return {**files, TENSORS: path.read_bytes()}

    return spoil


def state(change):
    """Rewrite the plain part."""

    def spoil(files, marker, path):
        return {**files, STATE: json.dumps(change(json.loads(files[STATE]))).encode()}

    return spoil


def only(name, make):
    return lambda files, marker, path: {**files, name: make(marker)}


def not_finite(header, data):
    for entry in header.values():
        begin, end = entry.get("data_offsets", (0, 0))
        if entry.get("dtype") == "F32":
            data[begin:end] = np.full((end - begin) // 4, np.nan, dtype="<f4").tobytes()
    return header, bytes(data)


def billion(header, data):
    name = next(key for key in header if key != "__metadata__")
    return {**header, name: {**header[name], "shape": [hostile.BILLION, hostile.BILLION]}}, data


def deep(depth):
    def change(plain):
        for _ in range(depth):
            plain = {"list": [plain]}
        return plain

    return change


SPOILS = {
    "a pickle in place of tensors": only(TENSORS, hostile.pickled),
    "a pickle in place of the state": only(STATE, hostile.pickled),
    "tensors of a billion numbers": tensors(billion),
    "weights that are not finite": tensors(not_finite),
    "no tensors": only(TENSORS, lambda marker: b""),
    "a header of exabytes": only(TENSORS, lambda marker: b"\xff" * 8 + b"{}"),
    "another kind of state": state(lambda plain: {"dict": [["model", 3], ["parts", 4]]}),
    "a list in place of the state": state(lambda plain: [plain]),
    "a kind that is unknown": state(lambda plain: {"call": "os.system"}),
    "a tensor that is not there": state(lambda plain: {"tensor": "../../etc/passwd"}),
    "nesting": state(deep(300)),
    "nesting that no parser takes": only(STATE, lambda marker: hostile.deep_json().encode()),
    "a state of megabytes": only(STATE, lambda marker: b'"' + b"x" * (9 << 20) + b'"'),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_a_hostile_checkpoint_is_one_line(spoil, runs, marker, tmp_path):
    run = RunFolder(folder_of(runs))
    store = CheckpointStore(run.checkpoints)
    commit(store, spoil(files_of(store.newest()), marker, tmp_path / "scratch"))
    run.results.unlink()
    run.policy.unlink()
    with nothing_unpickled():
        one_line(call("eval", run.path, "--best"))
        if "finite" not in spoil_name(spoil):  # a training may go on from what it was
            last_line(call("train", *TINY, "-f", runs))


def last_line(result):
    """Training says first who steps the environments."""
    assert result.exit_code == 2, (result.output, result.exception)
    told, refusal = result.stderr.splitlines()
    assert told.startswith("Environments: ")
    assert refusal.startswith("Error: ")
    return refusal


def spoil_name(spoil):
    return next(name for name, known in SPOILS.items() if known is spoil)


def test_the_unspoiled_one_would_have_been_taken(runs):
    run = RunFolder(folder_of(runs))
    store = CheckpointStore(run.checkpoints)
    commit(store, files_of(store.newest()))
    assert call("eval", run.path, "--best").exit_code == 0


def test_counters_are_a_closed_list(runs):
    """A state cannot set any other attribute of the model."""

    def change(plain):
        text = json.dumps(plain)
        assert '"_n_updates"' in text
        return json.loads(text.replace('"_n_updates"', '"policy_class"'))

    run = RunFolder(folder_of(runs))
    store = CheckpointStore(run.checkpoints)
    commit(store, state(change)(files_of(store.newest()), None, None))
    run.results.unlink()
    assert "another model" in last_line(call("train", *TINY, "-f", runs))


@pytest.mark.parametrize("kind", ["objects", "bomb", "names"])
def test_a_hostile_replay_buffer_is_refused(kind, runs, marker, tmp_path):
    options = ["-params", "buffer_size:64", "learning_starts:16", "--algo", "dqn"]
    tiny = [word for word in TINY if word not in ("-params", "n_steps:8")]
    assert call("train", *tiny, *options, "-f", runs).exit_code == 0
    run = RunFolder(folder_of(runs).with_name("attention_dqn_s0"))
    store = CheckpointStore(run.checkpoints)
    files = files_of(store.newest())
    path = tmp_path / "replay.npz"
    path.write_bytes(files[REPLAY])
    if kind == "objects":
        hostile.with_member(path, "actions.npy", hostile.object_array(marker))
    elif kind == "bomb":
        hostile.bomb(path, name="actions.npy", megabytes=100)
    else:
        hostile.with_member(path, "../../actions.npy", b"")
    spoiled = commit(store, {**files, REPLAY: path.read_bytes()})
    config = run.read_config()
    env = build_env(config)
    model = build_model(config, env)
    with nothing_unpickled(), pytest.raises((CheckpointError, ValueError)):
        load_training(spoiled, model)
    env.close()
