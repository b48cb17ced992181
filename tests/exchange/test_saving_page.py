"""What docs/saving.md shows can be typed in."""

import re
from pathlib import Path

import pytest
import torch
from exchange_for_tests import make

PAGE = Path(__file__).parents[2] / "docs" / "saving.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_examples_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(blocks) == 4
    page = "".join(blocks)
    small = page.replace("20_000", "128").replace("50_000", "200").replace("[256, 256]", "[8]")
    small = small.replace("kwargs, seed=0).learn", "kwargs, seed=0, n_steps=16).learn")
    assert small.count("128") == 4
    assert "n_steps=16" in small
    names = {}
    exec(compile(small, "saving.md", "exec"), names)
    alone, teacher = names["alone"].state_dict(), names["teacher"].policy.features_extractor
    for key, value in teacher.state_dict().items():
        assert torch.equal(alone[key], value)


def test_the_warning_on_the_page_is_the_warning():
    (shown,) = re.findall(r"```text\nUserWarning: (.*?); \.\.\.\n```", TEXT, flags=re.DOTALL)
    apart, shared = make("PPO apart"), make("PPO")
    with pytest.warns(UserWarning, match=re.escape(" ".join(shown.split()))):
        shared.policy.load_state_dict(apart.policy.state_dict())


def test_what_the_faulty_file_holds_can_be_had(tmp_path):
    apart, again = make("PPO apart"), make("PPO apart", seed=1)
    apart.policy.save(tmp_path / "policy.pth")
    stored = torch.load(tmp_path / "policy.pth", weights_only=False)
    again.policy.load_state_dict(stored["state_dict"])
    for key, value in again.policy.state_dict().items():
        assert torch.equal(value, apart.policy.state_dict()[key])
