import platform
import subprocess
import sys
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_attention.comparison import read_run
from rl_attention.errors import UserError
from rl_attention.experiment import outcome, training
from rl_attention.experiment.algorithms import find_algorithm
from rl_attention.experiment.allocator import keep_freed_memory
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.environments import EVALUATION, TRAINING, build_env, derive_seed
from rl_attention.experiment.evaluation import evaluate
from rl_attention.experiment.interruption import RunInterrupted
from rl_attention.experiment.loading import load_policy
from rl_attention.experiment.models import (
    algorithm_kwargs,
    build_model,
    count_model_parameters,
    default_batch_size,
)
from rl_attention.experiment.overrides import merge
from rl_attention.experiment.run_folder import RunFolder, locate
from rl_attention.experiment.training import run_trial
from rl_attention.experiment.validation import validate
from rl_attention.experiment.weights import load_weights, named_tensors, save_weights
from rl_attention.nn import SinusoidalPositions

BASE = {
    "env": {"id": "MiniGrid-Empty-Random-5x5-v0", "n_envs": 4},
    "n_timesteps": 96,
    "extractor": {"width": 8, "n_heads": 2, "features_dim": 8, "feedforward": 8},
    "net_arch": [8],
    "hyperparams": {"n_steps": 8},
    "eval": {"n_episodes": 6},
    "recording": {"snapshots": 0},
    "device": "cpu",
    "num_threads": 1,
}
ALGOS = {
    "ppo": {},
    "a2c": {"algo": "a2c"},
    "ppo_lstm": {"algo": "ppo_lstm", "hyperparams": {"lstm_hidden_size": 8}},
    "dqn": {"algo": "dqn", "hyperparams": {"learning_starts": 32, "buffer_size": 200}},
}


def build(**changes):
    return validate(RunConfig, merge(BASE, changes))


def weights(folder):
    return load_file(RunFolder(folder).policy)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = build(recording={"snapshots": 3, "n_probes": 2})
    return config, folder, run_trial(config, folder)


def test_a_folder_that_another_process_works_in_is_left_alone(tmp_path):
    config, run = build(), RunFolder(tmp_path / "run")
    code = (
        "import sys; from pathlib import Path\n"
        "from rl_attention.experiment.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).held(): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(run.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == "held\n"
        before = sorted(run.path.iterdir())
        with pytest.raises(UserError, match="another process is at work in this run folder"):
            run_trial(config, run.path)
        assert sorted(run.path.iterdir()) == before
        other.kill()  # a lock ends with its process
    assert run_trial(config, run.path).frames == 96


def test_a_run_leaves_everything_in_its_folder(finished):
    config, folder, _ = finished
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "config.yaml", "manifest.json", "vocabulary.json", "probes.npz", "progress.json",
        "results.json", "policy.safetensors", "model.zip", "tensorboard", "attention",
        "metrics.jsonl",
    }  # fmt: skip
    assert len(list((folder / "attention").glob("step_*.npz"))) == 3
    assert RunFolder(folder).read_config() == config
    assert not [name for name in names if name.startswith(".")]


def test_results_say_what_happened(finished):
    _, folder, results = finished
    assert results.frames == 96
    assert len(results.episode_returns) == results.n_eval_episodes == 6
    assert results.mean_reward == pytest.approx(np.mean(results.episode_returns))
    assert results.success_rate == np.mean(results.episode_successes)
    assert results.entity_overflow == 0
    run = read_run(folder)
    assert (run.arm, run.seed, run.parameters) == ("attention", 0, results.parameters["policy"])


def test_tensorboard_has_curves_and_maps(finished):
    events = EventAccumulator(str(finished[1] / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    tags = events.Tags()
    assert "attention_map/probe00" in tags["images"]
    assert len(events.Images("attention_map/probe00")) == 3
    assert {"time/fps", "train/loss"} <= set(tags["scalars"])
    assert any(tag.startswith("attention/entropy") for tag in tags["scalars"])


@pytest.mark.parametrize("arm", ["attention", "uniform"])
def test_the_entropy_of_attention_is_rewarded_where_there_is_any(tmp_path, arm):
    changes = {"arm": arm, "extractor": {**BASE["extractor"], "width": 16}}
    plain = run_trial(build(**changes), tmp_path / "plain")
    run_trial(build(**changes, attention_ent_coef="lin_-0.5"), tmp_path / "sharp")
    assert plain.frames == 96
    assert same(weights(tmp_path / "plain"), weights(tmp_path / "sharp")) == (arm == "uniform")
    events = EventAccumulator(str(tmp_path / "sharp" / "tensorboard"))
    events.Reload()
    tag = "attention/ent_coef"
    found = [e.value for e in events.Scalars(tag)] if tag in events.Tags()["scalars"] else []
    assert found == ([] if arm == "uniform" else pytest.approx([-1 / 3, -1 / 6, 0.0]))


def test_a_finished_run_is_left_alone(finished, monkeypatch):
    config, folder, results = finished
    monkeypatch.setattr(training, "build_env", None)  # nothing is built
    assert run_trial(config, folder) == results


def test_another_config_is_refused(finished):
    _, folder, _ = finished
    with pytest.raises(UserError, match="seed is 0 there, 5 here"):
        run_trial(build(seed=5, recording={"snapshots": 3, "n_probes": 2}), folder)


def test_recording_changes_no_weight(finished, tmp_path):
    _, folder, results = finished
    silent = run_trial(build(), tmp_path)
    assert same(weights(folder), weights(tmp_path))
    assert silent.episode_returns == results.episode_returns


@pytest.mark.parametrize("algo", ALGOS)
def test_a_seed_decides_everything(algo, tmp_path):
    first, again, other = (tmp_path / name for name in "abc")
    for folder, seed in ((first, 1), (again, 1), (other, 2)):
        extractor = {"width": 32, "features_dim": 32}  # large enough to be matched in size
        run_trial(build(**ALGOS[algo], arm="mlp", seed=seed, extractor=extractor), folder)
    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(other))


@pytest.mark.parametrize("algo", ALGOS)
@pytest.mark.parametrize("arm", ["attention", "flat"])
def test_a_loaded_policy_plays_as_the_trained_one(algo, arm, tmp_path):
    changes = merge(ALGOS[algo], {"arm": arm})
    if arm == "flat":
        changes = merge(changes, {"env": {"normalize": True}})
    results = run_trial(build(**changes), tmp_path)
    loaded = load_policy(tmp_path)
    evaluation = evaluate(loaded.model, loaded.config, loaded.env)
    loaded.env.close()
    assert evaluation.returns.tolist() == results.episode_returns
    assert evaluation.successes.tolist() == results.episode_successes


_seen: list[str] = []


def _watch_pickle(event, arguments):
    if event == "pickle.find_class":
        _seen.append(str(arguments))


def test_loading_unpickles_nothing(finished):
    sys.addaudithook(_watch_pickle)
    _seen.clear()
    load_policy(finished[1]).env.close()
    assert _seen == []


def test_ctrl_c_keeps_what_there_is(tmp_path, monkeypatch):
    make = training._make_callbacks

    class Stop(BaseCallback):
        def _on_step(self):
            if self.num_timesteps >= 48:
                raise KeyboardInterrupt
            return True

    monkeypatch.setattr(training, "_make_callbacks", lambda *a: [*make(*a), Stop()])
    with pytest.raises(RunInterrupted, match="48 of 96 frames") as caught:
        run_trial(build(), tmp_path)
    assert str(tmp_path) in str(caught.value)
    run = RunFolder(tmp_path)
    assert not run.results.exists()
    assert not run.policy.exists()
    assert load_file(run.interrupted)
    assert run.progress.exists()
    with pytest.raises(UserError, match="not finished"):
        load_policy(tmp_path)

    monkeypatch.undo()
    assert run_trial(build(), tmp_path).frames == 96
    assert not run.interrupted.exists()


def test_evaluation_gives_each_environment_its_share():
    config = build()
    env = build_env(config)
    model = build_model(config, env)
    evaluation = evaluate(model, config, env)
    env.close()
    assert len(evaluation.returns) == len(evaluation.lengths) == len(evaluation.successes) == 6
    assert ((evaluation.returns > 0) == evaluation.successes).all()


def test_evaluation_sees_other_episodes():
    assert derive_seed(0, TRAINING) != derive_seed(0, EVALUATION)
    assert len({derive_seed(seed, stream) for seed in range(50) for stream in (0, 1)}) == 100
    assert all(0 <= derive_seed(seed, 0) < 2**31 for seed in range(50))


def test_actions_that_an_algorithm_cannot_take_are_refused():
    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")])
    config = build(algo="dqn", arm="flat", hyperparams={"buffer_size": 10})
    with pytest.raises(UserError, match="algo: dqn cannot take the actions Box"):
        build_model(config, env)


def test_control_arms_match_attention_and_the_target_net_is_not_counted():
    counts = {}
    for arm, algo in (("attention", "ppo"), ("mlp", "ppo"), ("uniform", "ppo"), ("mlp", "dqn")):
        config = build(**ALGOS[algo], arm=arm, extractor={"width": 32, "features_dim": 32})
        env = build_env(config)
        counts[arm, algo] = count_model_parameters(build_model(config, env))
        env.close()
    reference = counts["attention", "ppo"]["extractor"]
    for count in counts.values():
        assert count["extractor"] == pytest.approx(reference, rel=0.05)
    assert counts["mlp", "dqn"]["policy"] < counts["mlp", "ppo"]["policy"]


def test_schedules_fall_to_zero():
    kwargs = algorithm_kwargs(build(hyperparams={"learning_rate": "lin_0.5", "clip_range": 0.1}))
    assert [kwargs["learning_rate"](left) for left in (1.0, 0.5, 0.0)] == [0.5, 0.25, 0.0]
    assert kwargs["clip_range"] == 0.1


@pytest.mark.parametrize(("rollout", "size"), [(2560, 640), (30, 10), (10, 5), (7, 7), (4, 2)])
def test_a_minibatch_divides_the_rollout(rollout, size):
    assert default_batch_size(rollout) == size
    assert algorithm_kwargs(build())["batch_size"] == 8


def test_weights_survive_and_strangers_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    first, second = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    save_weights(first, path)
    load_weights(second, path)
    assert same(named_tensors(first), named_tensors(second))
    with pytest.raises(UserError, match="another network"):
        load_weights(torch.nn.Linear(3, 2), path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="another network"):
        load_weights(second, path)
    path.write_bytes(b"no")
    with pytest.raises(UserError, match="expected saved tensors"):
        load_weights(second, path)


def test_a_run_has_its_place(tmp_path):
    config = build(arm="mlp", seed=3)
    assert locate(tmp_path, config) == tmp_path / config.env.id / "mlp_ppo_s3"
    labelled = locate(tmp_path, build(label="deep"))
    assert labelled.name == "deep_ppo_s0"


def test_damaged_results_are_named(finished, tmp_path):
    config, _, results = finished
    run = RunFolder(tmp_path)
    run.begin(config)
    run.results.write_text("{}")
    with pytest.raises(UserError, match=r"results\.json: expected the key 'env'"):
        run.find_results(config)
    run.results.write_text("{")
    with pytest.raises(UserError, match="half a file"):
        run.find_results(config)
    assert replace(results, seed=4) != results


def test_ctrl_c_in_evaluation_keeps_the_trained_network(tmp_path, monkeypatch):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "evaluate", stopped)
    with pytest.raises(RunInterrupted, match="96 of 96 frames"):
        run_trial(build(arm="flat"), tmp_path)
    run = RunFolder(tmp_path)
    assert same(load_file(run.interrupted), load_file(run.policy))
    assert not run.results.exists()


def test_what_cannot_be_built_blocks_no_folder(tmp_path):
    with pytest.raises(UserError, match="cannot match"):
        run_trial(build(arm="mlp", extractor={"n_blocks": 0}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_member_of_the_family_is_chosen_in_the_config():
    member = {"score": "additive", "weights": "topk", "top_k": 2}
    config = build(extractor={**BASE["extractor"], **member})
    env = build_env(config)
    options = build_model(config, env).policy.features_extractor.pooling.attention.options
    assert (options.score, options.weights, options.top_k) == ("additive", "topk", 2)
    control = build(arm="uniform", extractor={**BASE["extractor"], **member, "width": 16})
    options = build_model(control, env).policy.features_extractor.pooling.attention.options
    assert options.uniform
    env.close()


def test_places_of_entities_are_known_to_attention_and_to_its_controls():
    changes = {"extractor": {"width": 16, "position": "sinusoidal", "scope": "local"}}
    for arm in ("attention", "uniform", "mlp"):
        config = build(arm=arm, **changes)
        env = build_env(config)
        tokenizer = build_model(config, env).policy.features_extractor.tokenizer.entities
        assert tokenizer.spans == (7, 7)
        assert isinstance(tokenizer.positions, SinusoidalPositions)
        env.close()


@pytest.mark.parametrize("algo", ["ppo", "dqn"])
def test_adam_takes_one_kernel_with_the_epsilon_that_sb3_gives_it(algo):
    config = build(**ALGOS[algo])
    env = build_env(config)
    ours = build_model(config, env).policy.optimizer.defaults
    plain = find_algorithm(algo)("MultiInputPolicy", env, device="cpu").policy.optimizer.defaults
    assert ours["fused"]
    assert ours["eps"] == plain["eps"]


def test_freed_memory_is_kept_where_the_c_library_can_be_told(monkeypatch):
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_freed_memory()
