"""Effects of removal: captum's FeatureAblation says the same, on real models of every kind."""

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation
from explain_samples import MODELS, make_subject
from handmade import draw_probes, make_handmade

from rl_attention.explain.decisions import Decisions
from rl_attention.explain.effects import measure_effects
from rl_attention.explain.subject import Subject


def ablate(subject, score):
    """Let captum take out each token: its input is the mask of what is still there."""
    rows = torch.arange(len(subject))
    kept = torch.tensor(subject.present, dtype=torch.float64)

    def forward(mask, row):
        gone = subject.present[row.numpy()] & (mask.numpy() < 0.5)
        without = subject.without(row.numpy(), gone)
        return torch.tensor(score(subject.decisions.take(row.numpy()), without))

    found = FeatureAblation(forward).attribute(kept, additional_forward_args=(rows,))
    return np.where(subject.present, found.numpy(), np.nan)


@pytest.mark.parametrize("name", MODELS)
def test_captum_finds_the_same_effects(name):
    subject = make_subject(name)
    effects = measure_effects(subject)
    by_divergence = ablate(subject, lambda before, after: -before.kl(after))
    np.testing.assert_allclose(by_divergence, effects.kl, atol=1e-5)
    by_chance = ablate(subject, lambda before, after: -before.drop(after))
    np.testing.assert_allclose(by_chance, effects.drop, atol=1e-5)


def test_an_effect_by_hand():
    subject = Subject(make_handmade(honest=True), draw_probes(0, 5))
    effects = measure_effects(subject)
    row, slot = 2, 1
    entities = subject.raw["entities"][row].astype(float)
    real = subject.present[row]

    def decide(mask):
        weights = np.exp(4 * entities[:, 0]) * mask
        x = 2 * (weights / weights.sum()) @ entities[:, 2]
        chances = np.exp([x, -x])
        return Decisions((np.array([chances / chances.sum()]),), None, None, None)

    before, after = decide(real), decide(real & (np.arange(6) != slot))
    np.testing.assert_allclose(effects.kl[row, slot], before.kl(after)[0], rtol=1e-4)
    np.testing.assert_allclose(effects.drop[row, slot], before.drop(after)[0], rtol=1e-4)
    assert effects.flip[row, slot] == before.flips(after)[0]


def test_padding_has_no_effect():
    subject = Subject(make_handmade(honest=True), draw_probes(0))
    effects = measure_effects(subject)
    for table in (effects.kl, effects.distance, effects.drop, effects.flip, effects.value_change):
        np.testing.assert_array_equal(np.isnan(table), ~subject.present)


def test_asking_leaves_the_model_as_it_was():
    model = make_handmade(honest=True)
    model.policy.set_training_mode(True)
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    state = torch.random.get_rng_state()
    measure_effects(Subject(model, draw_probes(0)))
    assert model.policy.training
    assert torch.equal(state, torch.random.get_rng_state())
    for name, value in model.policy.state_dict().items():
        assert torch.equal(before[name], value)
