"""Networks drawn anew, and how far maps lie apart."""

import numpy as np
import pytest
import torch
from explain_samples import ALGORITHMS, left_as_it_was, make_model, make_subject, states_of
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from spaces_for_tests import SPACES, SampleEnv

from rl_attention.explain import MeasuringOptions, measure, summarise
from rl_attention.explain.maps import compute_maps
from rl_attention.explain.sanity import (
    NotRebuilt,
    distance_between,
    rank_correlation,
    reinitialised,
    sanity,
)
from rl_attention.policies import AttentionActorCriticPolicy, AttentionSACPolicy

SPACE = "entities and mask"
POSITIVE = arrays(float, (3, 5), elements=st.floats(0.01, 10.0))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_drawn_network_has_other_weights_and_the_same_shape(algorithm):
    model = make_model(SPACE, algorithm=algorithm)
    with left_as_it_was(model):
        other, same = reinitialised(model, 7), reinitialised(model, 7)
    third = reinitialised(model, 8)
    assert type(other) is type(model)
    assert type(other.policy) is type(model.policy)
    assert other.policy is not model.policy
    ours, theirs = dict(model.policy.named_parameters()), dict(other.policy.named_parameters())
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    matrices = [name for name, weight in ours.items() if weight.dim() > 1]
    assert all(not torch.equal(ours[name], theirs[name]) for name in matrices)
    equal, unlike = dict(same.policy.named_parameters()), dict(third.policy.named_parameters())
    assert all(torch.equal(theirs[name], equal[name]) for name in theirs)
    assert any(not torch.equal(theirs[name], unlike[name]) for name in matrices)
    storage = {weight.data_ptr() for weight in ours.values()}
    assert not storage & {weight.data_ptr() for weight in theirs.values()}
    actions, _ = other.predict(states_of(SPACES[SPACE], 4), deterministic=True)
    assert len(actions) == 4


def test_aliases_are_of_the_drawn_network():
    model = make_model(SPACE, algorithm="dqn")
    other = reinitialised(model, 0)
    assert other.q_net is other.policy.q_net
    assert model.q_net is model.policy.q_net


def test_unshared_extractors_come_along():
    options = {"share_features_extractor": False, "ortho_init": False}
    model = make_model(SPACE, algorithm="ppo", policy_kwargs=options)
    other = reinitialised(model, 0)
    assert other.policy.pi_features_extractor is not other.policy.vf_features_extractor
    assert model.policy_kwargs["share_features_extractor"] is False


@pytest.mark.parametrize(
    ("algorithm", "policy"),
    [
        ("ppo", None),
        ("sac", None),
        ("ppo", AttentionActorCriticPolicy),
        ("sac", AttentionSACPolicy),
    ],
)
def test_state_dependent_exploration_comes_along(algorithm, policy):
    actions = spaces.Box(-1.0, 1.0, (2,))
    model = make_model(SPACE, None, algorithm, action_space=actions, use_sde=True, policy=policy)
    drawn = reinitialised(model, 0).policy
    assert type(drawn) is type(model.policy)
    assert (drawn.actor if algorithm == "sac" else drawn).use_sde


def test_normalised_observations_keep_their_statistics():
    model = make_model(SPACE, normalise=True)
    other = reinitialised(model, 0)
    assert other.get_vec_normalize_env() is model.get_vec_normalize_env()


def test_an_algorithm_of_sb3_contrib():
    contrib = pytest.importorskip("sb3_contrib")
    env = SampleEnv(SPACES[SPACE])
    model = contrib.QRDQN("MultiInputPolicy", env, seed=0, device="cpu", buffer_size=10)
    other = reinitialised(model, 0)
    assert other.policy.quantile_net is not model.policy.quantile_net
    masked = contrib.MaskablePPO("MultiInputPolicy", env, seed=0, device="cpu")
    assert reinitialised(masked, 0).policy is not masked.policy


def test_a_network_that_was_put_in_later_cannot_be_drawn():
    model = make_model(SPACE)
    model.policy.features_extractor.extra = torch.nn.Linear(2, 2)
    with pytest.raises(NotRebuilt, match="put into it after it was built"):
        reinitialised(model, 0)
    subject = make_subject(SPACE)
    found = summarise([measure(model, subject.states, options=MeasuringOptions(maps=["norm"]))])
    assert found.maps["norm"].sanity is None
    assert "no comparison with a network of other weights" in found.notes[0]


@pytest.mark.slow
def test_a_compiled_network_can_be_drawn_and_asked():
    subject, plain = make_subject(SPACE), make_subject(SPACE)
    policy = subject.model.policy
    compiled = torch.compile(policy.features_extractor, backend="eager")
    policy.features_extractor = policy.pi_features_extractor = compiled
    policy.vf_features_extractor = compiled
    maps, expected = compute_maps(subject), compute_maps(plain)
    for name in expected:
        np.testing.assert_allclose(maps[name], expected[name], atol=1e-6)
    assert sanity(subject, maps, n_networks=1) == sanity(plain, expected, n_networks=1)


def test_maps_of_the_network_are_compared_and_no_others():
    subject = make_subject("everything", n_states=12)
    maps = compute_maps(subject)
    with left_as_it_was(subject.model):
        found = sanity(subject, {**maps, "occlusion": maps["random"]})
    assert set(found) == set(maps) - {"random"}
    assert all(-1 <= tau <= 1 for tau in found.values())
    assert sanity(subject, maps) == found
    one = sanity(subject, {"norm": maps["norm"]})
    assert one == {"norm": found["norm"]}


def test_a_map_that_ignores_what_was_learned_is_found_out():
    """The order of the sizes of the entities is what every network would give."""
    subject = make_subject("everything", n_states=12)
    drawn = reinitialised(subject.model, 0)
    twin = make_subject("everything", n_states=12)
    twin.model = drawn
    network = int(subject.generator("network 0").integers(2**31))
    again = make_subject("everything", n_states=12)
    again.model = reinitialised(subject.model, network)
    maps = compute_maps(again, ["norm"])
    assert sanity(subject, maps, n_networks=1)["norm"] == pytest.approx(1.0)
    assert sanity(subject, compute_maps(twin, ["norm"]), n_networks=1)["norm"] < 0.9


def test_uniform_weights_cannot_be_compared():
    subject = make_subject("everything", "uniform", n_states=6)
    found = sanity(subject, compute_maps(subject, ["attention", "norm"]))
    assert np.isnan(found["attention"])
    assert not np.isnan(found["norm"])


def test_rank_correlation_by_hand():
    first = np.array([[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]])
    second = np.array([[5.0, 1.0, 9.0, np.nan], [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
    present = ~np.isnan(first)
    np.testing.assert_allclose(rank_correlation(first, second, present), [1 / 3, -1, np.nan])
    few = present & (np.arange(4) < 2)
    assert np.isnan(rank_correlation(first, second, few)).all()


@given(POSITIVE, POSITIVE, arrays(bool, (3, 5)))
def test_distance_is_a_bounded_symmetric_divergence(first, second, present):
    present[:, 0] = True
    found = distance_between(first, second, present)
    np.testing.assert_allclose(found, distance_between(second, first, present), atol=1e-12)
    assert (found >= -1e-12).all()
    assert (found <= np.log(2) + 1e-12).all()
    np.testing.assert_allclose(distance_between(first, 3 * first, present), 0, atol=1e-12)


def test_distance_is_what_scipy_gives():
    generator = np.random.default_rng(0)
    first, second = generator.random((2, 20, 5))
    present = generator.random((20, 5)) < 0.7
    present[:, 0] = True
    found = distance_between(first, second, present)
    for row, one, other, real in zip(found, first, second, present, strict=True):
        assert row == pytest.approx(jensenshannon(one[real], other[real]) ** 2, abs=1e-9)


def test_distance_by_hand():
    present = np.array([[True, True, False]] * 4)
    first = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, np.nan], [0.0, 0.0, 0.0], [-1.0, 2.0, 0.0]])
    second = np.array([[0.0, 2.0, np.nan], [3.0, 3.0, 7.0], [1.0, 0.0, 0.0], [1.0, 2.0, 0.0]])
    found = distance_between(first, second, present)
    np.testing.assert_allclose(found, [np.log(2), 0, np.nan, np.nan], atol=1e-12)
