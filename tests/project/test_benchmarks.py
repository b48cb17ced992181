"""The benchmarks run and name what they measure; how fast anything is, no test can say."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NAMES = {
    "throughput": (
        "attention_over_textbook",
        "attention_over_zoo",
        "attention_over_mlp",
        "mlp_over_zoo",
        "extractor_speedup",
        "extractor_speedup_unmerged",
        "floor_distance",
        "floor_distance_skinny",
    ),
    "history_speed": tuple(
        f"{task}: {arm} over {base}"
        for task in ("Recall-32-v0", "MiniGrid-MemoryS13-v0", "BabyAI-GoToLocal-v0")
        for arm in (
            "attention_summary",
            "attention_summary_ego",
            "attention_summary_read",
            "attention_rows_read",
        )
        for base in ("lstm_mlp", "lstm_mlp_256")
    ),
    "scaling": ("latent_exponent", "local_exponent", "latent_memory_ratio"),
    "checkpoints": (
        "ppo_attention_share",
        "ppo_mlp_share",
        "a2c_attention_share",
        "dqn_attention_share",
    ),
}
OPTIONS = {"throughput": ["--backend", "auto"], "scaling": ["--plot", "scaling.png"]}


@pytest.mark.slow
@pytest.mark.parametrize("module", NAMES)
def test_a_benchmark_writes_every_ratio_it_names(module, tmp_path):
    command = [sys.executable, "-m", f"benchmarks.{module}", "--quick", "--json", "ratios.json"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*command, "--threads", "1", *OPTIONS.get(module, [])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "ratios.json").read_text())
    for name in NAMES[module]:
        assert math.isfinite(found[name])
        assert name.endswith("_exponent") or found[name] > 0
        assert name in done.stdout


@pytest.mark.slow
def test_the_breakdown_accounts_for_all_of_the_time():
    from benchmarks.arms import make_arms
    from benchmarks.breakdown import PARTS, break_down, table_rows
    from benchmarks.throughput import make_settings

    settings = make_settings("MiniGrid-DoorKey-5x5-v0", "auto", 1, 4, quick=True)
    arms = make_arms(settings)
    found = {name: break_down(arms[name].make(), settings, 2) for name in ("zoo", "attention")}
    for parts in found.values():
        assert set(parts) == set(PARTS)
        assert all(seconds >= 0 for seconds in parts.values())
    rows = table_rows(found)
    for column in (1, 2):
        shares = [int(row[column].rstrip("%")) for row in rows[1:-1]]
        assert abs(sum(shares) - 100) <= len(PARTS)


def test_the_fitted_exponent_is_that_of_the_power_law():
    from benchmarks.scaling import slope

    sizes = [128, 256, 512, 2048]
    assert slope(sizes, [3 * size**1.5 for size in sizes]) == pytest.approx(1.5)


def test_a_ratio_is_taken_repeat_by_repeat():
    from benchmarks.measure import spread_of_ratio

    # the second repeat was slow for both
    assert spread_of_ratio([10.0, 4.0, 11.0], [5.0, 2.0, 5.0]) == (2.0, 2.0, 2.2)


def test_operations_of_a_linear_layer_and_of_fused_attention_are_counted_by_their_shapes():
    import torch

    from benchmarks.floor import count_operations

    layer = torch.nn.Linear(64, 32)
    rows = torch.randn(15, 64, requires_grad=True)
    products = 3  # forward, gradient of the rows, gradient of the weights
    assert count_operations(lambda: layer(rows).sum().backward()) == products * 2 * 15 * 64 * 32
    heads = torch.randn(3, 4, 5, 16, requires_grad=True)
    attend = torch.nn.functional.scaled_dot_product_attention
    products = 2 + 4
    counted = count_operations(lambda: attend(heads, heads, heads).sum().backward())
    assert counted == products * 2 * 3 * 4 * 5 * 5 * 16


def test_a_plot_without_matplotlib_is_one_line_that_says_so(tmp_path, monkeypatch, capsys):
    from benchmarks.scaling import draw

    monkeypatch.delitem(sys.modules, "benchmarks.plot", raising=False)
    # parts of it that another test has imported would be found without it
    loaded = {name for name in sys.modules if name.partition(".")[0] == "matplotlib"}
    for name in loaded | {"matplotlib"}:
        monkeypatch.setitem(sys.modules, name, None)
    draw([], tmp_path / "scaling.png")
    assert capsys.readouterr().err.splitlines() == [
        "--plot: no picture, as matplotlib is missing: pip install matplotlib"
    ]
