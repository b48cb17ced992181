import json

from rl_attention.callbacks import MetricsLogCallback

KEYS = ["step", "episodes", "success_rate", "ep_rew_mean", "ep_len_mean"]


def lines_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_line_for_each_rollout(make_model, tmp_path):
    make_model("ppo").learn(320, callback=MetricsLogCallback(tmp_path, every=1))
    lines = lines_of(tmp_path)
    assert [line["step"] for line in lines] == list(range(32, 321, 32))
    assert all(list(line) == KEYS for line in lines)
    assert 3 <= lines[-1]["ep_len_mean"] <= 5
    # the reward of this environment is its success
    assert abs(lines[-1]["ep_rew_mean"] - lines[-1]["success_rate"]) < 1e-9
    episodes = [line["episodes"] for line in lines]
    assert episodes == sorted(episodes)
    assert episodes[0] > 0


def test_frequent_rollouts_are_thinned(make_model, tmp_path):
    make_model("dqn").learn(410, callback=MetricsLogCallback(tmp_path, every=100))
    assert [line["step"] for line in lines_of(tmp_path)] == [100, 200, 300, 400, 412]


def test_a_continued_training_keeps_one_history(make_model, tmp_path):
    """Killed after 256 of 320 steps with a torn line, gone on from 128: the same lines."""
    make_model("ppo").learn(320, callback=MetricsLogCallback(tmp_path / "whole", every=1))
    model = make_model("ppo")
    model.learn(128, callback=MetricsLogCallback(tmp_path / "parts", every=1))
    with (tmp_path / "parts" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 160, "episodes": 9}) + "\n" + '{"step": 19')
    callback = MetricsLogCallback(tmp_path / "parts", every=1)
    model.learn(192, callback=callback, reset_num_timesteps=False)
    whole, parts = (tmp_path / name / "metrics.jsonl" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_a_new_training_starts_a_new_file(make_model, tmp_path):
    for steps in (320, 64):
        make_model("ppo").learn(steps, callback=MetricsLogCallback(tmp_path, every=1))
    assert [line["step"] for line in lines_of(tmp_path)] == [32, 64]


def test_a_restored_count_of_episodes_wins(make_model, tmp_path):
    callback = MetricsLogCallback(tmp_path, every=1)
    callback.episodes = 1000
    make_model("ppo").learn(32, callback=callback)
    assert lines_of(tmp_path)[0]["episodes"] > 1000
