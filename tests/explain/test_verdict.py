"""A network that decides by what it shows is supported, one that does not is not."""

import json

import numpy as np
import pytest
from handmade import draw_probes, make_handmade

from rl_attention.errors import UserError
from rl_attention.explain import MeasuringOptions, explain, measure, summarise
from rl_attention.explain.bootstrap import Estimate
from rl_attention.explain.verdict import NOT_SUPPORTED, SUPPORTED, WEAK, Evidence, judge
from rl_attention.recording import ProbeSet

MAPS = MeasuringOptions(maps=("attention", "random"))


@pytest.fixture(scope="module", params=[True, False], ids=["honest", "dishonest"])
def found(request):
    model = make_handmade(honest=request.param)
    return request.param, explain(model, n_episodes=30, options=MAPS)


def test_the_verdict_knows_which_network_shows_what_it_uses(found):
    honest, explanation = found
    assert explanation.verdict.word == (SUPPORTED if honest else NOT_SUPPORTED)
    assert explanation.verdict.word in explanation.verdict.text
    assert f"{explanation.n_states} states" in explanation.verdict.text


def test_weights_matter_only_where_they_are_used(found):
    honest, explanation = found
    for name in ("permuted", "largest_zeroed"):
        moved = explanation.mechanisms[name].distance.mean
        assert moved > 0.05 if honest else moved < 1e-9
    largest, any_other = (
        explanation.mechanisms[name].distance.mean for name in ("largest_zeroed", "random_zeroed")
    )
    assert largest > any_other if honest else largest == any_other == 0


def test_random_maps_are_never_supported(found):
    _, explanation = found
    score = explanation.maps["random"].faithfulness
    assert score.low < 0.5


def test_everything_can_be_written_as_json(found):
    _, explanation = found
    numbers = json.loads(json.dumps(explanation.to_dict(), allow_nan=False))
    assert numbers["verdict"]["word"] == explanation.verdict.word
    assert numbers["maps"]["occlusion"]["faithfulness"]["mean"] == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_numbers():
    model, probes = make_handmade(honest=True), draw_probes(1, 30)
    first, second = (summarise([measure(model, probes, None, MAPS)]) for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_several_runs_are_one_explanation():
    runs = [
        measure(make_handmade(honest=True, seed=seed), draw_probes(seed, 30), None, MAPS)
        for seed in range(3)
    ]
    both = summarise(runs)
    assert (both.n_runs, both.n_states, both.n_episodes) == (3, 90, 90)
    means = [summarise([run]).maps["attention"].gain.mean for run in runs]
    assert both.maps["attention"].gain.mean == pytest.approx(np.mean(means))


def test_runs_that_cannot_be_compared_are_refused():
    one = measure(make_handmade(honest=True), draw_probes(0, 9), None, MAPS)
    options = MeasuringOptions(maps=("random",))
    other = measure(make_handmade(honest=True), draw_probes(0, 9), None, options)
    with pytest.raises(UserError, match="same maps"):
        summarise([one, other])
    with pytest.raises(UserError, match="at least one run"):
        summarise([])


def evidence(low=0.6, gain=0.1, hit=0.5, permuted=0.1, n_telling=50, episodes=20):
    def of(mean, least):
        return Estimate(mean, least, None if least is None else 0.9, 50, episodes)

    moved = None if permuted is None else of(permuted + 0.01, permuted)
    mean = float("nan") if low is None else 0.7
    return Evidence(
        "attention", of(mean, low), of(0.2, gain), of(0.6, hit), 0.3, 0.25, moved, 100, n_telling
    )


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (evidence(), SUPPORTED),
        (evidence(permuted=None), SUPPORTED),
        (evidence(low=0.5), WEAK),
        (evidence(low=-0.1), WEAK),
        (evidence(low=None), WEAK),
        (evidence(hit=0.2), WEAK),
        (evidence(permuted=0.02), WEAK),
        (evidence(episodes=9), WEAK),
        (evidence(gain=0.0), NOT_SUPPORTED),
        (evidence(gain=None), NOT_SUPPORTED),
        (evidence(n_telling=0), NOT_SUPPORTED),
    ],
)
def test_each_word_has_its_reason(given, word):
    found = judge(given)
    assert found.word == word
    assert "nan" not in found.text
    assert "all together" not in found.text


def probes_alike(count):
    """Give states of three to six entities that are all the same."""
    mask = draw_probes(0, count).observations["mask"]
    entities = np.broadcast_to(np.float32([0.0, 0.0, 1.0]), (*mask.shape, 3))
    return ProbeSet.from_observations({"entities": entities, "mask": mask})


def test_entities_that_stand_in_for_each_other_are_named():
    """The action is that of any one entity; without all of them it is another."""
    model = make_handmade(honest=True)
    found = summarise([measure(model, probes_alike(40), None, MAPS)])
    assert (found.n_telling, found.n_joint) == (0, 40)
    assert found.verdict.word == NOT_SUPPORTED
    assert "in 40 more no single entity matters but all together do" in found.verdict.text


def test_runs_that_tell_nothing_are_counted():
    model, states = make_handmade(honest=True), [draw_probes(0, 30), probes_alike(30)]
    found = summarise([measure(model, each, None, MAPS) for each in states])
    assert found.notes[0].startswith("1 of 2 runs have no state")
