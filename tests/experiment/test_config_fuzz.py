import yaml
from hypothesis import given
from hypothesis import strategies as st

from rl_attention.errors import UserError
from rl_attention.experiment.overrides import flatten, nest
from rl_attention.experiment.task_config import parse_task
from rl_attention.experiment.yaml_files import dump_yaml, parse_yaml

BASE = parse_task({"env": {"id": "MiniGrid-DoorKey-5x5-v0"}}).dump()
PATHS = sorted(flatten(BASE))
TEXT = dump_yaml(BASE)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["1e-4", "lin_0.1", "lin_nan", "1e400", "ppo", "dqn", "flat", "cells", "no"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def attempt(function, *arguments):
    """What came of it and None, or None and the complaint."""
    try:
        return function(*arguments, source="t.yaml"), None
    except UserError as error:
        return None, str(error)


def accept_or_refuse(data):
    task, complaint = attempt(parse_task, data)
    if task is None:
        assert complaint
        assert "\n" not in complaint
    else:
        assert parse_task(task.dump()) == task
        assert parse_task(parse_yaml(dump_yaml(task.dump()), source="t")) == task


@given(path=st.sampled_from(PATHS), value=values)
def test_any_value_in_any_field_is_valid_or_one_line(path, value):
    accept_or_refuse(nest({**flatten(BASE), path: value}))


@given(data=st.dictionaries(st.one_of(st.text(max_size=6), st.integers()), values, max_size=4))
def test_any_mapping_is_valid_or_one_line(data):
    accept_or_refuse({**BASE, **data})
    accept_or_refuse(data)


@given(data=values)
def test_any_data_is_valid_or_one_line(data):
    accept_or_refuse(data)


@given(
    start=st.integers(0, len(TEXT)),
    length=st.integers(0, 12),
    put=st.text(alphabet=" \n\t:-[]{}&*!|>'\"#%@,?ab1.\u00e9\x00", max_size=6),
)
def test_any_damage_to_the_text_is_valid_or_one_line(start, length, put):
    data, complaint = attempt(parse_yaml, TEXT[:start] + put + TEXT[start + length :])
    if complaint is None:
        accept_or_refuse(data)
    else:
        assert "\n" not in complaint


def test_whatever_is_dumped_is_plain():
    assert yaml.safe_load(TEXT) == BASE
