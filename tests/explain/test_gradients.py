"""Gradients at the embeddings of the entities: the real network, and what captum makes of it."""

import sys

import numpy as np
import pytest
import torch
from explain_samples import MODELS, TWO_SETS, make_model, make_subject
from gymnasium import spaces
from spaces_for_tests import SPACES
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention.errors import UserError
from rl_attention.explain.maps import compute_maps
from rl_attention.explain.maps import gradients as gradients_module
from rl_attention.explain.maps.embedded import Embedded
from rl_attention.explain.maps.gradients import make_integrator
from rl_attention.nn import Packed

KINDS = ["gradient", "integrated_gradients"]
FINE = (0.0, *np.geomspace(1e-6, 1e-3, 20), *np.geomspace(2e-3, 1.0, 60))
"""Pieces of the path so short that the integral is as good as exact."""
CASES = [
    *(case for case in MODELS.values() if case[1] not in ("foreign", None)),
    (TWO_SETS, "mlp", "ppo"),
]


def case_subject(case, **options):
    if case[0] is TWO_SETS:
        options["entity_keys"] = ["allies", "rivals"]
    return make_subject(*case, **options)


def by_hand(subject, state, answer):
    """Differentiate an answer made of the features, with nothing but torch."""
    policy = subject.model.policy
    extractor = (policy.actor if hasattr(policy, "actor") else policy).features_extractor
    one = {key: torch.as_tensor(value[state : state + 1]) for key, value in subject.raw.items()}
    tokenized = extractor.tokenizer(preprocess_obs(one, policy.observation_space))
    tokens, layout = tokenized.entities
    leaf = tokens.detach().clone().requires_grad_()
    features = extractor.features(tokenized._replace(entities=Packed(leaf, layout)))
    found = []
    for number in answer(features):
        (gradient,) = torch.autograd.grad(number, leaf, retain_graph=True)
        table = np.zeros(subject.present.shape[1])
        table[layout.slot.numpy()] = gradient.double().norm(dim=1).numpy()
        found.append(table)
    return np.linalg.norm(found, axis=0)


@pytest.mark.parametrize("arm", ["attention", "mlp"])
def test_gradient_of_a_discrete_action_by_hand(arm):
    subject = make_subject("everything", arm)
    found = compute_maps(subject, ["gradient"])["gradient"]
    policy = subject.model.policy
    policy.set_training_mode(False)

    def answer(features):
        logits = policy.action_net(policy.mlp_extractor.forward_actor(features))[0]
        return [logits.log_softmax(dim=0).max()]

    for state, real in enumerate(subject.present):
        np.testing.assert_allclose(
            found[state, real], by_hand(subject, state, answer)[real], atol=1e-6, rtol=1e-4
        )
    assert np.nanmax(found) > 1e-3


def test_gradient_of_a_continuous_action_by_hand():
    subject = make_subject("entities and mask", "attention", "sac")
    found = compute_maps(subject, ["gradient"])["gradient"]
    actor = subject.model.policy.actor

    def answer(features):
        latent = actor.latent_pi(features)
        return (actor.mu(latent) / actor.log_std(latent).clamp(-20, 2).exp().detach())[0]

    for state, real in enumerate(subject.present):
        np.testing.assert_allclose(
            found[state, real], by_hand(subject, state, answer)[real], atol=1e-6, rtol=1e-4
        )
    assert np.nanmax(found) > 1e-3


@pytest.mark.parametrize("case", CASES, ids=str)
def test_own_embeddings_give_what_the_policy_does(case):
    subject = case_subject(case)
    embedded = Embedded.of(subject)
    rows = torch.arange(len(subject))
    numbers = embedded(embedded.embed(rows), rows).detach().numpy()
    decisions = subject.decisions
    if decisions.discrete:
        chosen = [part.max(axis=1) for part in decisions.probabilities]
        expected = np.log(np.prod(chosen, axis=0))[:, None]
    else:
        expected = decisions.mean / decisions.std
    assert numbers.shape == (len(subject), embedded.n_numbers)
    np.testing.assert_allclose(numbers, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_integrated_gradients_add_up_to_the_change(case):
    subject = case_subject(case, n_states=2)
    embedded = Embedded.of(subject)
    rows = torch.arange(len(subject))
    tokens = embedded.embed(rows)
    change = (embedded(tokens, rows) - embedded(torch.zeros_like(tokens), rows)).detach()
    integrate = make_integrator(embedded, 512, edges=FINE)
    for number in range(embedded.n_numbers):
        each = integrate(tokens, rows, number).sum(dim=2)
        missing = (each.sum(dim=1) - change[:, number]).abs()
        # where entities speak against each other, the change is small, and no measure of the error
        assert (missing <= 0.02 * each.abs().sum(dim=1)).all()


def test_the_steps_of_the_map_are_enough():
    subject = make_subject("everything", n_states=6)
    embedded = Embedded.of(subject)
    rows = torch.arange(6)
    exact = make_integrator(embedded, 512, edges=FINE)(embedded.embed(rows), rows, 0).sum(dim=2)
    found = torch.as_tensor(compute_maps(subject, [KINDS[1]])[KINDS[1]]).nan_to_num()
    error = (found - exact.abs()).abs().amax(dim=1) / exact.abs().amax(dim=1)
    assert error.mean() < 0.1


@pytest.mark.parametrize("space", ["everything", "cells"])
def test_how_many_states_go_at_once_has_no_effect(monkeypatch, space):
    subject = make_subject(space, n_states=5)
    whole = compute_maps(subject, KINDS)
    monkeypatch.setattr(gradients_module, "_MOST_ROWS", gradients_module.STEPS * 2)
    parts = compute_maps(subject, KINDS)
    for name in KINDS:
        scale = np.nanmax(whole[name])
        np.testing.assert_allclose(parts[name] / scale, whole[name] / scale, atol=1e-4)


@pytest.mark.parametrize("kind", [spaces.MultiDiscrete([3, 2]), spaces.MultiBinary(3)], ids=str)
def test_actions_of_several_parts_count_together(kind):
    subject = make_subject("entities and mask", action_space=kind)
    assert Embedded.of(subject).n_numbers == 1
    for found in compute_maps(subject, KINDS).values():
        assert np.nanmax(found) > 0


def test_what_an_actor_of_its_own_sees_is_asked_for():
    shared = {"share_features_extractor": False}
    subject = make_subject("entities and mask", policy_kwargs=shared)
    policy = subject.model.policy
    maps = compute_maps(subject, KINDS)
    with torch.no_grad():
        for weight in policy.vf_features_extractor.parameters():
            weight.zero_()
    for name, found in compute_maps(subject, KINDS).items():
        np.testing.assert_array_equal(found, maps[name])
        assert np.nanmax(found) > 0


def test_entities_that_the_network_ignores_have_no_gradient():
    subject = make_subject("entities and mask", "mlp")
    extractor = subject.model.policy.features_extractor
    size = extractor.slot.weight.shape[0]
    with torch.no_grad():
        extractor.first.weight[:, size : 2 * size] = 0.0
    for name, found in compute_maps(subject, KINDS).items():
        real = subject.present[:, 1]
        assert real.any()
        assert (found[real, 1] == 0).all(), name
        assert np.nanmax(found) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_without_captum_it_says_what_to_install(monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(UserError, match=r"pip install 'rl-attention\[explain\]'"):
        compute_maps(make_subject("entities and mask"), [kind])
    # who has no embeddings does not need it
    assert compute_maps(make_subject("entities and mask", "foreign"), [kind]) == {}


def test_no_tokens_of_ours_no_function_of_embeddings():
    assert Embedded.of(make_subject("entities and mask", "foreign")) is None
    assert make_model(SPACES["matrix"], None).policy.features_extractor is not None
    assert Embedded.of(make_subject("matrix", None)) is None
