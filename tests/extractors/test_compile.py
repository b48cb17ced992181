"""`extractor.compile()` changes nothing but the speed: features, training, files, maps."""

import shutil

import pytest
import torch
from spaces_for_tests import SPACES, SampleEnv
from stable_baselines3 import PPO
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention import AttentionExtractor, record

pytestmark = [
    pytest.mark.slow,
    # what torch does itself while it compiles
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning"),
]
BACKEND = "aot_eager"  # all that torch does but for the code that it writes
SMALL = {"width": 16, "n_heads": 2, "feedforward": 24, "features_dim": 12}


@pytest.fixture(autouse=True)
def fresh():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def observe(space, n_rows, seed=0):
    space.seed(seed)
    samples = [space.sample() for _ in range(n_rows)]
    stacked = {key: torch.stack([torch.as_tensor(s[key]) for s in samples]) for key in samples[0]}
    stacked["mask"][0] = 0
    return preprocess_obs(stacked, space)


def make_model():
    kwargs = {
        "features_extractor_class": AttentionExtractor,
        "features_extractor_kwargs": SMALL,
        "net_arch": [16],
    }
    env = SampleEnv(SPACES["everything"])
    settings = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}
    return PPO("MultiInputPolicy", env, policy_kwargs=kwargs, seed=0, device="cpu", **settings)


def features_and_gradients(extractor, observations):
    extractor.zero_grad()
    features = extractor(observations)
    (features * torch.linspace(-1, 1, features.numel()).view(features.shape)).sum().backward()
    return [features.detach(), *(p.grad.clone() for p in extractor.parameters())]


def test_features_and_gradients_are_the_same():
    torch.manual_seed(0)
    extractor = AttentionExtractor(SPACES["everything"], **SMALL)
    batches = [observe(SPACES["everything"], n, seed=n) for n in (4, 33)]
    wanted = [features_and_gradients(extractor, batch) for batch in batches]
    extractor.compile(backend=BACKEND)
    for batch, want in zip(batches, wanted, strict=True):
        found = features_and_gradients(extractor, batch)
        torch.testing.assert_close(found, want, atol=1e-4, rtol=1e-4)


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")
def test_with_code_of_its_own_features_are_the_same():
    torch.manual_seed(0)
    extractor = AttentionExtractor(SPACES["entities and mask"], **SMALL)
    observations = observe(SPACES["entities and mask"], 16)
    with torch.no_grad():
        wanted = extractor(observations)
        extractor.compile()
        torch.testing.assert_close(extractor(observations), wanted, atol=1e-5, rtol=1e-5)


def test_a_compiled_extractor_trains_is_saved_and_is_recorded(tmp_path):
    model, plain = make_model(), make_model()
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.policy.features_extractor.compile(backend=BACKEND)
    model.learn(16)
    after = model.policy.state_dict()
    assert list(after) == list(plain.policy.state_dict())
    assert all(value.isfinite().all() for value in after.values())
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert [name for name in moved if "features_extractor" in name]
    plain.learn(16)
    for name, value in plain.policy.state_dict().items():
        torch.testing.assert_close(after[name], value, atol=2e-3, rtol=0)

    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")
    observations = model.get_env().reset()
    wanted, _ = loaded.predict(observations, deterministic=True)
    assert model.predict(observations, deterministic=True)[0] == wanted
    loaded_maps, maps = record(loaded, observations), record(model, observations)
    assert list(maps) == list(loaded_maps)
    for name, seen in maps.items():
        assert abs(seen.weights - loaded_maps[name].weights).max() < 1e-5
