"""Run folders made to do harm, opened by every command that opens one."""

import json
import os
import shutil
from pathlib import Path

import hostile
import pytest
import torch
from opening import ARMS, DOORKEY, TINY, call, folder_of, nothing_unpickled, one_line
from safetensors.torch import save_file

from rl_attention.errors import UserError
from rl_attention.recording import ProbeSet, list_snapshots, read_snapshot

SCRIPT = "<script>alert(1)</script>"


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def edit_json(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def link(path, target):
    path.unlink()
    path.symlink_to(target)


def move_away(path):
    """A link to what was there before: the content is good, the link is not."""
    away = path.parents[3] / f"away-{path.name}"
    shutil.move(path, away)
    path.symlink_to(away)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def overwrite(kind, number):
    """Put one number in the place of every value of some tensor of that type."""

    def spoil(path):
        header, data = hostile.tensors_of(path)
        raw = bytearray(data)
        found = [entry for entry in header.values() if entry.get("dtype") == kind]
        begin, end = found[-1]["data_offsets"]
        count = (end - begin) // number.itemsize
        raw[begin:end] = number.repeat(count).tobytes()
        hostile.write_tensors(path, header, bytes(raw))

    return spoil


def tensor_header(change):
    def spoil(path):
        header, data = hostile.tensors_of(path)
        name = next(name for name in header if name != "__metadata__")
        hostile.write_tensors(path, change(header, name), data)

    return spoil


def shaped(shape):
    def change(header, name):
        return {**header, name: {**header[name], "shape": shape}}

    return tensor_header(change)


def offsets(begin, end):
    def change(header, name):
        return {**header, name: {**header[name], "data_offsets": [begin, end]}}

    return tensor_header(change)


def renamed(header, name):
    return {("\x1b[2J[red]" if key == name else key): value for key, value in header.items()}


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


CONFIG = {
    "runs code": lambda path, marker: path.write_text(
        f"env: !!python/object/apply:os.mkdir ['{marker}']\n"
    ),
    "is a pickle": lambda path, marker: path.write_bytes(hostile.pickled(marker)),
    "is a link to passwords": lambda path, _: link(path, "/etc/passwd"),
    "is a link to itself elsewhere": lambda path, _: move_away(path),
    "is a link to nothing": lambda path, _: link(path, "/nowhere"),
    "is a pipe": lambda path, _: pipe(path),
    "is a folder": lambda path, _: (path.unlink(), path.mkdir()),
    "is half a file": lambda path, _: path.write_text("env: {id: "),
    "nests": lambda path, _: path.write_text(hostile.deep_json()),
    "has aliases": lambda path, _: path.write_text("a: &a [1]\nb: [*a, *a]\n"),
    "is large": lambda path, _: path.write_bytes(b"a: b\n" * 10**6),
    "names a script": lambda path, _: rewrite(path, DOORKEY, f"'{SCRIPT}'"),
    "names a path": lambda path, _: rewrite(path, DOORKEY, "../../../etc"),
    "names an import": lambda path, _: rewrite(path, "arm: attention", "arm: os.system"),
    "steers the terminal": lambda path, _: rewrite(path, DOORKEY, r'"\e[2J\e]0;x\a"'),
    "has a billion entities": lambda path, _: rewrite(
        path, "max_entities: 32", f"max_entities: {hostile.BILLION}"
    ),
    "is a billion wide": lambda path, _: rewrite(path, "width: 64", f"width: {hostile.BILLION}"),
    "has a billion layers": lambda path, _: rewrite(
        path, "n_blocks: 1", f"n_blocks: {hostile.BILLION}"
    ),
    "has billions of neurons": lambda path, _: rewrite(
        path, "net_arch:\n- 64", f"net_arch: [{hostile.BILLION}, {hostile.BILLION}]"
    ),
}
POLICY = {
    "is a pickle": lambda path, marker: path.write_bytes(hostile.pickled(marker)),
    "is torch's pickle": lambda path, marker: torch.save(hostile.Payload(marker), path),
    "is a link to passwords": lambda path, _: link(path, "/etc/passwd"),
    "is a link to itself elsewhere": lambda path, _: move_away(path),
    "is a pipe": lambda path, _: pipe(path),
    "is half a file": lambda path, _: halve(path),
    "is empty": lambda path, _: path.write_bytes(b""),
    "holds NaN": lambda path, _: overwrite("F32", hostile.np.float32("nan"))(path),
    "holds infinity": lambda path, _: overwrite("F32", hostile.np.float32("-inf"))(path),
    "points beyond its tables": lambda path, _: overwrite("I64", hostile.np.int64(2**40))(path),
    "has a billion tokens": lambda path, _: shaped([hostile.BILLION, 64])(path),
    "has a shape that overflows": lambda path, _: shaped([2**32, 2**32])(path),
    "has a negative shape": lambda path, _: shaped([-1])(path),
    "has offsets beyond its end": lambda path, _: offsets(0, 2**40)(path),
    "has offsets backwards": lambda path, _: offsets(8, 0)(path),
    "has a name that steers": lambda path, _: tensor_header(renamed)(path),
    "says its header is huge": lambda path, _: path.write_bytes(b"\xff" * 8 + b"{}"),
    "has a header that nests": lambda path, _: hostile.write_tensors(
        path, hostile.deep_json().encode(), b""
    ),
    "is of other numbers": lambda path, _: save_file(
        {"log_std": torch.zeros(2, dtype=torch.int8)}, path
    ),
}
RESULTS = {
    "is a pickle": lambda path, marker: path.write_bytes(hostile.pickled(marker)),
    "is a link to passwords": lambda path, _: link(path, "/etc/passwd"),
    "is a link to itself elsewhere": lambda path, _: move_away(path),
    "is a pipe": lambda path, _: pipe(path),
    "is half a file": lambda path, _: halve(path),
    "is large": lambda path, _: path.write_bytes(b" " * (9 << 20)),
    "nests": lambda path, _: path.write_text(hostile.deep_json()),
    "has a field that nests": lambda path, _: rewrite(
        path, '"curve": ', f'"more": {hostile.deep_json()}, "curve": '
    ),
    "names a script": lambda path, _: edit_json(path, env=SCRIPT),
    "names markup": lambda path, _: edit_json(path, env="[link=http://x]y[/link]"),
    "steers the terminal": lambda path, _: edit_json(path, arm="\x1b[2J"),
    "holds NaN": lambda path, _: edit_json(path, fps=float("nan")),
    "holds infinity": lambda path, _: rewrite(path, '"fps": ', '"fps": 1e999, "x": '),
    "holds a huge number": lambda path, _: edit_json(path, seed=10**400),
    "holds too many digits": lambda path, _: rewrite(path, '"seed": ', '"x": 1' + "0" * 5000),
    "holds text for a number": lambda path, _: edit_json(path, success_rate="1.0"),
    "holds true for a number": lambda path, _: edit_json(path, frames=True),
    "is of minus one frame": lambda path, _: edit_json(path, n_timesteps=-1),
}
NORMALIZATION = {
    "is a pickle": lambda path, marker: path.write_bytes(hostile.pickled(marker)),
    "holds a pickle": lambda path, marker: hostile.with_member(
        path, "mean.npy", hostile.object_array(marker)
    ),
    "is a link to itself elsewhere": lambda path, _: move_away(path),
    "is a bomb": lambda path, _: hostile.bomb(path, name="mean.npy"),
    "holds NaN": lambda path, _: hostile.with_member(
        path, "count.npy", hostile.npy_bytes(hostile.np.array(float("nan")))
    ),
    "counts text": lambda path, _: hostile.with_member(
        path, "count.npy", hostile.npy_bytes(hostile.np.array("12"))
    ),
    "counts a list": lambda path, _: hostile.with_member(
        path, "count.npy", hostile.npy_bytes(hostile.np.zeros(3))
    ),
    "has less than no variance": lambda path, _: hostile.with_member(
        path, "var.npy", hostile.npy_bytes(-hostile.np.ones(hostile.np.load(path)["var"].shape))
    ),
    "is half a file": lambda path, _: halve(path),
}
EVAL, TRAIN = "eval", "train"
CASES = [
    *((EVAL, "attention", "config.yaml", spoil) for spoil in CONFIG.items()),
    *((EVAL, "attention", "policy.safetensors", spoil) for spoil in POLICY.items()),
    *((EVAL, "flat", "normalization.npz", spoil) for spoil in NORMALIZATION.items()),
    *((TRAIN, "attention", "results.json", spoil) for spoil in RESULTS.items()),
]


@pytest.mark.parametrize(
    ("command", "arm", "name", "spoil"),
    [
        pytest.param(command, arm, name, spoil, id=f"{name} {what}")
        for command, arm, name, (what, spoil) in CASES
    ],
)
def test_what_is_hostile_is_refused_in_one_line(runs, marker, command, arm, name, spoil):
    folder = folder_of(runs, arm)
    spoil(folder / name, marker)
    with nothing_unpickled():
        if command == EVAL:
            line = one_line(call("eval", folder, "-n", 1))
        else:
            line = one_line(call("train", *TINY, *ARMS[arm], "-f", runs))
            again = call("compare", *TINY, "--arms", arm, "--seeds", "0", "-f", runs)
            assert one_line(again)
    assert str(folder) in line or "environment" in line


@pytest.mark.parametrize("spoil", [pytest.param(s, id=n) for n, s in CONFIG.items()])
def test_a_hostile_config_stops_train_compare_and_config(runs, marker, spoil):
    folder = folder_of(runs)
    spoil(folder / "config.yaml", marker)
    with nothing_unpickled():
        for arguments in (
            ("train", *TINY, "-f", runs),
            ("compare", *TINY, "--arms", "attention", "--seeds", "0", "-f", runs),
        ):
            result = call(*arguments)
            # a link to nothing is as good as no config: the run begins anew
            assert result.exit_code in (0, 2)
            if result.exit_code == 2:
                one_line(result)


@pytest.mark.parametrize(
    "spoil", [pytest.param(s, id=n) for n, s in CONFIG.items() if "pipe" not in n]
)
def test_a_hostile_task_file_prints_or_is_one_line(runs, marker, spoil):
    path = folder_of(runs) / "config.yaml"
    spoil(path, marker)
    with nothing_unpickled():
        result = call("config", "--config", path)
    if result.exit_code:
        one_line(result)
    assert "\x1b" not in result.output


def test_what_nobody_reads_does_no_harm(runs, marker):
    """model.zip is for others, and the rest is read by none of these commands."""
    folder = folder_of(runs)
    for name in ("model.zip", "manifest.json", "vocabulary.json", "probes.npz", "metrics.jsonl"):
        (folder / name).write_bytes(hostile.pickled(marker))
    with nothing_unpickled():
        for arguments in (
            ("eval", folder, "-n", 1),
            ("train", *TINY, "-f", runs),
            ("compare", *TINY, "--arms", "attention", "--seeds", "0", "-f", runs),
            ("tensorboard", folder, "--dry-run"),
        ):
            result = call(*arguments)
            assert result.exit_code == 0, result.output


def test_a_folder_of_runs_may_be_a_link_itself(runs, tmp_path):
    latest = tmp_path / "latest"
    latest.symlink_to(folder_of(runs))
    assert call("eval", latest, "-n", 1).exit_code == 0
    assert len(list_snapshots(latest)) == 2


def test_snapshots_elsewhere_are_refused(runs, tmp_path):
    folder = folder_of(runs)
    shutil.move(folder / "attention", tmp_path / "away")
    (folder / "attention").symlink_to(tmp_path / "away")
    with pytest.raises(UserError, match="symbolic link"):
        list_snapshots(folder)


@pytest.mark.parametrize("what", ["pickle", "array", "link", "bomb"])
@pytest.mark.parametrize("kind", ["probes", "snapshot"])
def test_hostile_arrays_are_refused(runs, marker, tmp_path, what, kind):
    folder = folder_of(runs)
    path = (
        folder / "probes.npz" if kind == "probes" else next(iter(list_snapshots(folder).values()))
    )
    read = ProbeSet.load if kind == "probes" else read_snapshot
    read(path)
    if what == "pickle":
        path.write_bytes(hostile.pickled(marker))
    elif what == "array":
        name = "names.npy" if kind == "probes" else "layers.npy"
        hostile.with_member(path, name, hostile.object_array(marker))
    elif what == "link":
        shutil.move(path, tmp_path / "away.npz")
        path.symlink_to(tmp_path / "away.npz")
    else:
        hostile.bomb(path)
    with nothing_unpickled(), pytest.raises(UserError, match=path.name) as caught:
        read(Path(path))
    assert "\n" not in str(caught.value)
