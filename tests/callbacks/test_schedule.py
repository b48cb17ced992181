import itertools

from hypothesis import given
from hypothesis import strategies as st

from rl_attention.callbacks.schedule import snapshot_steps, update_unit


@given(st.integers(0, 10**7), st.integers(2, 40), st.integers(1, 10**4), st.integers(0, 10**5))
def test_steps_rise_from_0_to_the_end(total, count, unit, learning_starts):
    steps = snapshot_steps(total, count, unit=unit, learning_starts=learning_starts)
    assert steps[0] == 0
    assert steps[-1] == total
    assert all(a < b for a, b in itertools.pairwise(steps))
    assert len(steps) <= count
    # every one but the first and the last is a moment at which weights have just changed
    inner = [step - learning_starts for step in steps[1:-1]]
    assert all(step > 0 and step % unit == 0 for step in inner)


@given(st.integers(9, 10**5), st.integers(1, 4096))
def test_ten_are_ten_where_training_is_long_enough(updates, unit):
    assert len(snapshot_steps(updates * unit, 10, unit=unit)) == 10


def test_early_steps_are_closer_together():
    steps = snapshot_steps(100_000, 10, unit=100)
    gaps = [b - a for a, b in itertools.pairwise(steps[1:])]
    assert gaps == sorted(gaps)
    assert steps[1] == 1000


def test_units(make_model):
    models = {"ppo": 32, "a2c": 16, "dqn": 4, "sac": 4}
    for name, unit in models.items():
        model = make_model(name)
        assert update_unit(model) == unit
        model._setup_learn(10)
        assert update_unit(model) == unit
