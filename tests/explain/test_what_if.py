"""Edits of real MiniGrid states, and expectations that come true or not."""

import pytest
import torch
from stable_baselines3 import PPO

from rl_attention import AttentionExtractor
from rl_attention.errors import UserError
from rl_attention.explain import ask_what_if, collect_states
from rl_attention.explain.expectation import parse_expectation
from rl_attention.explain.what_if import action_names
from rl_attention_envs import make_vec_env

ENV = "MiniGrid-DoorKey-5x5-v0"
ACTIONS = ["left", "right", "forward", "pickup", "drop", "toggle", "done"]


@pytest.fixture(scope="module")
def world():
    torch.manual_seed(0)
    env = make_vec_env(ENV, n_envs=2, backend="gymnasium", seed=1)
    policy_kwargs = {"features_extractor_class": AttentionExtractor}
    model = PPO("MultiInputPolicy", env, n_steps=8, batch_size=16, policy_kwargs=policy_kwargs)
    with torch.no_grad():
        model.policy.action_net.weight *= 300
    yield model, env
    env.close()


KEPT = {}


def collect(world, edit):
    """Play two episodes; the same ones each time, so once for each edit."""
    if edit not in KEPT:
        model, env = world
        env.seed(3)
        torch.manual_seed(0)
        KEPT[edit] = collect_states(model, env, n_episodes=2, deterministic=False, edit=edit)
    return KEPT[edit]


def ask(world, edit, expected):
    states = collect(world, edit)
    return ask_what_if(world[0], states, edit=edit, expected=expected, actions=ACTIONS)


def test_an_edit_moves_the_decision(world):
    found = ask(world, "remove key", "action=other")
    other = ask(world, "remove key", "action=same")
    assert found.n_states > 5
    assert found.distance > 0
    assert found.share.mean == pytest.approx(1 - other.share.mean)
    assert found.word in found.text
    assert found.already is None


def test_what_is_gone_gets_no_attention(world):
    found = ask(world, "remove key", "attention:key:down")
    assert found.share.mean == 1.0
    assert found.word == "confirmed"
    assert ask(world, "remove key", "attention:key:up").word == "refuted"


def test_the_same_action_may_have_been_likeliest_before(world):
    found = ask(world, "remove door", "action=left")
    negated = ask(world, "remove door", "action!=left")
    assert found.share.mean == pytest.approx(1 - negated.share.mean)
    assert found.already == pytest.approx(1 - negated.already)


def test_values_rise_or_fall(world):
    up, down = (ask(world, "remove door", f"value:{way}") for way in ("up", "down"))
    assert up.share.mean + down.share.mean == pytest.approx(1.0)


def test_states_that_look_the_same_do_not_count(world):
    found = ask(world, "remove key", "action=same")
    states = collect(world, "remove key")
    assert found.n_states + found.n_unseen + found.n_missing == len(states)
    assert found.n_missing + found.n_unseen > 0  # the key is taken, or behind the agent


def test_an_edit_that_fits_nothing_is_one_line(world):
    with pytest.raises(UserError, match="nothing to edit"):
        ask(world, "remove ball", "action=left")


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("action=jump", "expected an action of left, right"),
        ("attention:key:sideways", "expected action=NAME"),
        ("nothing", "expected action=NAME"),
        ("attention:unicorn:down", "expected something that is there, got 'unicorn'"),
    ],
)
def test_expectations_without_sense_are_one_line(world, expected, message):
    with pytest.raises(UserError, match=message):
        ask(world, "remove key", expected)


def test_expectations_are_read():
    assert parse_expectation(" Action = left ".replace(" = ", "=")).action == "left"
    assert parse_expectation("action!=done").negated
    found = parse_expectation("attention:red ball:up")
    assert (found.about, found.thing, found.up) == ("attention", "red ball", True)
    assert parse_expectation("value:down").about == "value"


def test_actions_have_the_names_that_the_environment_gives(world):
    _, env = world
    assert action_names(env, env.action_space) == [str(number) for number in range(7)]
