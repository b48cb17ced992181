"""Any type in any field of results.json."""

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st
from opening import complaint

from rl_attention.comparison import compare, read_run
from rl_attention.experiment.progress_file import read_progress
from rl_attention.experiment.results import Results

GOOD = {
    "env": "MiniGrid-DoorKey-5x5-v0",
    "arm": "mlp",
    "extractor": "mlp",
    "algo": "ppo",
    "seed": 0,
    "n_timesteps": 64,
    "frames": 64,
    "success_rate": 0.5,
    "mean_reward": 0.4,
    "std_reward": 0.1,
    "mean_ep_length": 12.5,
    "n_eval_episodes": 2,
    "episode_returns": [0.0, 0.8],
    "episode_successes": [False, True],
    "frames_to_90": None,
    "curve": [[32, 0.5], [64, 0.5]],
    "parameters": {"extractor": 10, "policy": 20},
    "fps": 100.0,
    "wall_time_s": 3,
    "backend": "envpool",
    "entity_overflow": 0,
    "versions": {"torch": "2.13.0+cpu"},
    "settings": {"seed": 0},
    "operations": 1000,
    "zero_shot": {
        "bigger": {
            "success_rate": 0.5,
            "mean_reward": 0.4,
            "std_reward": 0.1,
            "n_eval_episodes": 2,
        },
        "shuffled": None,
    },
    "imitation": {
        "questions": 64,
        "unanswered": 0,
        "bot_success": None,
        "held_out": 32,
        "epochs": 2,
        "accuracy": 0.5,
        "held_out_accuracy": 0.25,
        "labels_per_second": 1000.0,
    },
}
NESTED = ("parameters", "versions", "zero_shot", "imitation")
"""Their complaints name a key within them."""

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 2**53 + 1, 1e308, "[red]x", "<b>", "\x1b[2J", "a\nb"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_good_results_come_back(tmp_path):
    assert asdict(Results.from_dict(GOOD, source=tmp_path)) == GOOD


@given(key=st.sampled_from(sorted(GOOD)), value=values)
def test_any_value_in_any_field_is_read_or_one_line(tmp_path, key, value):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**GOOD, key: value}))
    for read in (
        lambda: Results.from_dict(json.loads(path.read_text()), source=path).to_dict(),
        lambda: compare([read_run(tmp_path)] * 2).to_dict(),
    ):
        line = complaint(lambda read=read: json.dumps(read(), allow_nan=False))
        if line is not None:
            assert f"results.json: {key}: expected" in line or key in NESTED
            assert line.isprintable()
            assert len(line) < len(str(path)) + 300


@given(data=st.one_of(values, st.dictionaries(st.sampled_from(sorted(GOOD)), values)))
def test_any_json_is_one_line(tmp_path, data):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(data))
    assert (complaint(read_run, tmp_path) or "").isprintable()


@given(key=st.sampled_from(["step", "total", "fps", "success_rate"]), value=values)
def test_any_progress_is_read_or_none(tmp_path, key, value):
    good = {"step": 1, "total": 2, "fps": 3.5, "success_rate": None}
    path = tmp_path / "progress.json"
    path.write_text(json.dumps({**good, key: value}))
    found = read_progress(path)
    assert found is None or 0 <= found.frames <= 2**53
