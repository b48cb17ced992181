import base64
import copy
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError
from viewer_samples import SAMPLES, make_run, map_metas, two_runs, with_frames

from rl_attention.errors import UserError
from rl_attention.viewer import (
    Replay,
    pack_frame,
    pack_weights,
    read_replay,
    unpack_frame,
    unpack_weights,
)


@pytest.fixture(scope="module")
def data():
    return json.loads(with_frames().model_dump_json())


def read(tmp_path, data):
    path = tmp_path / "replay.json"
    path.write_text(json.dumps(data))
    return read_replay(path)


def refusal(tmp_path, data):
    """What is said of bad data: one line, the file first."""
    with pytest.raises(UserError) as caught:
        read(tmp_path, data)
    message = str(caught.value)
    assert message.startswith(str(tmp_path))
    assert len(message.splitlines()) == 1
    assert "pydantic" not in message
    return message


def set_at(data, path, value):
    changed = copy.deepcopy(data)
    *parents, last = path
    place = changed
    for part in parents:
        place = place[part]
    place[last] = value
    return changed


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_saved_is_read_back(name, tmp_path):
    replay = SAMPLES[name]()
    replay.save_json(tmp_path / "below" / "replay.json")
    assert read_replay(tmp_path / "below" / "replay.json") == replay


STEP = ("runs", 0, "steps", 2)
PROBE = ("runs", 0, "probes", 1)

MISFITS = {
    "a map needs one number per entity": (
        (*STEP, "values", "attention"),
        [0.5],
        "steps.2.values.attention: expected 4 (one per entity), got 1",
    ),
    "a decision without each entity": ((*STEP, "without"), "first", "steps.2.without: expected 4"),
    "a probability per action": (
        (*STEP, "probabilities"),
        [0.5, 0.5],
        "steps.2.without.0.probabilities: expected 2",
    ),
    "no bytes missing": ((*STEP, "layers", 1, "weights"), "AAAA", "4 x 5 x 5 = 100 bytes, got 3"),
    "weights are base64": ((*STEP, "layers", 1, "weights"), "?", "expected base64"),
    "a layer of the run each": ((*STEP, "layers"), [], "steps.2.layers: expected 4 (one per layer"),
    "an entity that is there": (
        (*STEP, "layers", 1, "queries", 1),
        "e9",
        "layers.1.queries: e9 is no entity",
    ),
    "a word that is there": (
        (*STEP, "layers", 3, "keys", 1),
        "w9",
        "layers.3.keys: w9 is no entity",
    ),
    "a token once": ((*STEP, "layers", 1, "keys", 1), "g", "layers.1.keys: expected each once"),
    "a token of the grammar": ((*STEP, "layers", 1, "keys", 1), "x1", "layers.1.keys.1: "),
    "a frame that is there": (
        (*STEP, "frame"),
        99,
        "frame: expected an index into 26 frames, got 99",
    ),
    "a frame of a probe": ((*PROBE, "frame"), 99, "probes.1.frame: expected an index"),
    "an action that is there": ((*STEP, "action"), 7, "steps.2.action: expected 0 to 6, got 7"),
    "an action of its kind": ((*STEP, "action"), [0.5], "action: expected an index, or numbers"),
    "a known map": (
        (*STEP, "values", "other"),
        [0.0] * 4,
        "values.other: expected a map of the run",
    ),
    "a known score": ((*STEP, "scores", "other"), {"F": None, "hit": None}, "scores.other"),
    "a map's own name": (("runs", 0, "maps", 0, "id"), "weights", "means something else"),
    "a map once": (("runs", 0, "maps", 0, "id"), "occlusion", "maps: ids: expected each once"),
    "a verdict on a map": (("runs", 0, "verdict", "map"), "other", "verdict.map: expected one of"),
    "one of three verdicts": (("runs", 0, "verdict", "word"), "good", "'supported', 'weak' or"),
    "steps in order": ((*STEP, "t"), 0, "steps: expected each step of each episode once"),
    "slots once": ((*STEP, "entities", 1, "slot"), 0, "entities: slots: expected each once"),
    "a box has four edges": ((*STEP, "entities", 1, "box"), [0.0, 1.0], "entities.1.box"),
    "no step to come": ((*STEP, "entities", 1, "step"), 1, "entities.1.step: expected to be less"),
    "frames are PNG files": (("runs", 0, "frames", 0), "R0lGODlh", "frames.0: expected a PNG file"),
    "moments in order": ((*PROBE, "moments", 1, "step"), 0, "moments: expected rising steps"),
    "a moment's weights": (
        (*PROBE, "moments", 1, "layers", 0, "weights"),
        "AAAA",
        "probes.1.moments.1.layers.0.weights: expected",
    ),
    "some step": (("runs", 0, "steps"), [], "runs.0.steps"),
    "one or two runs": (("runs",), [], "runs"),
    "version 1": (("version",), 2, "version: expected to be 1, got 2"),
    "a number that is one": (
        (*STEP, "reward"),
        "0.5",
        "steps.2.reward: expected a number, got '0.5'",
    ),
    "no key too many": ((*STEP, "rewards"), 1.0, "steps.2.rewards: unknown key"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_is_refused_in_one_line(case, data, tmp_path):
    path, value, expected = MISFITS[case]
    if value == "first":
        value = [data["runs"][0]["steps"][2]["without"][0]]
    assert expected in refusal(tmp_path, set_at(data, path, value))


def test_data_from_before_there_were_steps_are_read_as_of_now(data, tmp_path):
    older = copy.deepcopy(data)
    for scene in (*older["runs"][0]["steps"], *older["runs"][0]["probes"]):
        for entity in scene["entities"]:
            del entity["step"]
    assert read(tmp_path, older) == with_frames()


def leaves(data, path=()):
    children = data.items() if isinstance(data, dict) else enumerate(data)
    for key, child in children:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from leaves(child, (*path, key))


SMALL = json.loads(
    Replay(title="", runs=[make_run(3, lengths=(2,), n_entities=3, n_probes=1)]).model_dump_json()
)
PATHS = list(leaves(SMALL))


def is_read_or_refused_in_one_line(folder, data):
    """Whatever was in the file, nothing but a replay or one line comes of it."""
    try:
        return isinstance(read(folder, data), Replay)
    except UserError as error:
        return len(str(error).splitlines()) == 1


@given(
    path=st.sampled_from(PATHS),
    value=st.sampled_from([None, True, -1, 0.5, 1e400, "", "{x}\n", [], [[]], {}, 2**70]),
)
def test_whatever_stands_anywhere_is_read_or_refused_in_one_line(path, value, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    assert is_read_or_refused_in_one_line(folder, set_at(SMALL, path, value))


@given(path=st.sampled_from(PATHS))
def test_whatever_is_missing_is_read_or_refused_in_one_line(path, tmp_path_factory):
    changed = copy.deepcopy(SMALL)
    place = changed
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    assert is_read_or_refused_in_one_line(tmp_path_factory.mktemp("missing"), changed)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"title": NaN}', "\udc80"])
def test_a_file_that_is_no_replay_is_refused(text, tmp_path):
    path = tmp_path / "replay.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"replay\.json: ") as caught:
        read_replay(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_replay(tmp_path / "none.json")


def test_numbers_that_are_none_are_refused(data, tmp_path):
    changed = set_at(data, (*STEP, "value"), math.nan)
    assert "steps.2.value: " in refusal(tmp_path, changed)


def test_a_picture_that_would_fill_the_memory_is_refused(data, tmp_path):
    frame = bytearray(base64.b64decode(data["runs"][0]["frames"][0]))
    frame[16:24] = (60_000).to_bytes(4, "big") * 2
    changed = set_at(data, ("runs", 0, "frames", 0), base64.b64encode(frame).decode())
    assert "60000 x 60000" in refusal(tmp_path, changed)


def test_a_replay_does_not_change():
    replay = with_frames()
    with pytest.raises(ValidationError):
        replay.title = "another"
    with pytest.raises(ValidationError):
        replay.runs[0].steps[0].reward = 1.0


@given(
    arrays.arrays(
        np.float64,
        st.tuples(*[st.integers(1, 4)] * 3),
        elements=st.floats(0, 1),
    )
)
def test_weights_come_back_exact_to_half_a_level(weights):
    back = unpack_weights(pack_weights(weights), weights.shape)
    assert back.shape == weights.shape
    assert np.abs(back - weights).max() <= 0.5 / 255 + 1e-12


def test_weights_lie_in_the_order_of_heads_queries_and_keys():
    weights = np.zeros((2, 3, 4))
    weights[1, 2, 0] = 1
    levels = base64.b64decode(pack_weights(weights))
    assert [i for i, level in enumerate(levels) if level] == [1 * 12 + 2 * 4 + 0]
    assert max(levels) == 255


def test_frames_come_back_as_they_were():
    frame = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (unpack_frame(pack_frame(frame)) == frame).all()


def test_two_runs_stand_beside_each_other():
    both = two_runs()
    assert [run.name for run in both.runs] == ["attention_ppo_s0", "mlp_ppo_s0"]
    assert both.title == "attention_ppo_s0 beside mlp_ppo_s0"
    with pytest.raises(UserError, match="one of two runs"):
        both.beside(with_frames())


@pytest.mark.parametrize("update", [{"seed": 8}, {"env": "MiniGrid-Empty-5x5-v0"}])
def test_only_runs_of_the_same_environment_and_seed_stand_beside_each_other(update, tmp_path):
    ours = with_frames()
    theirs = Replay(title="", runs=[ours.runs[0].model_copy(update=update)])
    with pytest.raises(UserError, match=r"with seed 7, got .*replay both with the same --seed"):
        ours.beside(theirs)
    joined = json.loads(ours.model_dump_json())
    joined["runs"] += json.loads(theirs.model_dump_json())["runs"]
    assert "expected the same environment and seed" in refusal(tmp_path, joined)


def test_a_run_may_have_maps_of_every_kind_and_none():
    assert make_run(kinds=("attention",)).maps == map_metas("attention")
    bare = make_run().model_dump() | {"maps": [], "verdict": None, "steps": []}
    bare["steps"] = [
        step.model_dump() | {"values": {}, "scores": {}, "without": []} for step in make_run().steps
    ]
    assert Replay(title="", runs=[bare]).runs[0].maps == []
