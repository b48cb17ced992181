import itertools
import json

import pytest

from rl_attention.callbacks import ProgressCallback
from rl_attention.callbacks import progress as module


def test_the_last_state_is_written(make_model, algorithm, tmp_path):
    model = make_model(algorithm)
    callback = ProgressCallback(tmp_path)
    model.learn(320, callback=callback)
    content = json.loads((tmp_path / "progress.json").read_text())
    assert content["step"] == content["total"] == 320
    assert 320 / 5 <= content["episodes"] <= 320 / 3
    assert content["fps"] > 0
    assert 0 < content["success_rate"] < 1
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_at_most_once_a_second(make_model, tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    written = []
    real = module.write_text

    def write(path, text, **options):
        written.append(now[0])
        real(path, text, **options)

    monkeypatch.setattr(module, "write_text", write)

    class Clock(ProgressCallback):
        def _on_step(self):
            now[0] += 0.15
            return super()._on_step()

    make_model("ppo").learn(160, callback=Clock(tmp_path))
    gaps = [b - a for a, b in itertools.pairwise(written)]
    assert len(written) > 5
    assert all(gap >= 1 for gap in gaps[:-1])  # the last one is the end of training


def test_before_the_first_episode_there_is_no_success_rate(make_model, tmp_path):
    callback = ProgressCallback(tmp_path)
    callback._on_step = lambda: False
    make_model("ppo").learn(320, callback=callback)
    content = json.loads((tmp_path / "progress.json").read_text())
    assert content["success_rate"] is None
    assert content["step"] == pytest.approx(2)
