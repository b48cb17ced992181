"""Any order of commits, kills, damage and removals, compared with a model."""

import json
import os
import random
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store_parts import assert_whole, die, exit_code, names, put, store_that

from rl_attention.checkpoints import CheckpointError, CheckpointStore, CheckpointWarning

KEEP = 2
STEPS = st.integers(0, 6)
SCORES = st.none() | st.sampled_from([0.0, 1.0, 2.0])


class Histories(RuleBasedStateMachine):
    """`alive` is the model: of each step the token and score that must be found."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = CheckpointStore(self.folder, keep=KEEP)
        self.alive = {}
        self.scores = {}
        self.spoiled = set()
        self.tokens = 0

    def teardown(self):
        shutil.rmtree(self.folder)

    def next_token(self, score):
        self.tokens += 1
        self.scores[self.tokens] = score
        return self.tokens

    def after_commit(self, step, token):
        """The model after a whole commit: the newest, the best, and the new one."""
        alive = {**self.alive, step: token}
        scored = [
            (self.scores[alive[at]], at) for at in alive if self.scores[alive[at]] is not None
        ]
        kept = {step, *sorted(alive)[-KEEP:], *[at for _, at in sorted(scored)[-1:]]}
        return {at: alive[at] for at in kept}

    def best_of(self, alive):
        """The step with the highest score, in a list; an empty list if none has a score."""
        scored = [(self.scores[token], at) for at, token in alive.items()]
        return [at for score, at in sorted(pair for pair in scored if pair[0] is not None)[-1:]]

    def look(self):
        """The model as the disk has it, read without the store: after a kill."""
        found = {}
        for name in sorted(names(self.folder), reverse=True):  # one moved aside comes first
            if name.startswith("step_"):
                token = self.token_in(self.folder / name)
                if token not in self.spoiled:
                    found[int(name.removesuffix(".old").removeprefix("step_"))] = token
        return found

    def token_in(self, folder):
        return json.loads((folder / "state.json").read_bytes())["token"]

    @rule(step=STEPS, score=SCORES)
    def commit(self, step, score):
        token = self.next_token(score)
        expected = self.after_commit(step, token)
        put(self.store, step, token, score=score)
        self.alive = expected
        assert names(self.folder) == [f"step_{at:012d}" for at in sorted(self.alive)]

    @rule(step=STEPS, score=SCORES, at=st.integers(0, 60))
    def killed_commit(self, step, score, at):
        token = self.next_token(score)
        expected = self.after_commit(step, token)
        doomed = store_that(die, self.folder, at=at, keep=KEEP)
        code = exit_code(lambda: put(doomed, step, token, score=score))
        assert code in (0, 9)
        found = self.look()
        before = found == self.alive
        # all that had to stay is there, and older ones may still be
        assert before or expected.items() <= found.items()
        assert before or found.items() <= {**self.alive, step: token}.items()
        assert code == 9 or found == expected
        self.alive = found

    @rule(step=STEPS, at=st.integers(0, 20))
    def killed_drop(self, step, at):
        doomed = store_that(die, self.folder, at=at, keep=KEEP)
        assert exit_code(lambda: doomed.drop_after(step)) in (0, 9)
        found = self.look()
        assert {one for one in self.alive if one <= step} <= set(found)
        assert found.items() <= self.alive.items()
        self.alive = found

    @rule(step=STEPS)
    def drop_after(self, step):
        self.store.drop_after(step)
        self.alive = {at: token for at, token in self.alive.items() if at <= step}

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), seed=st.integers(0, 1000))
    def damage(self, data, seed):
        folders = [path for path in self.folder.iterdir() if path.name.startswith("step")]
        whole = [path for path in folders if self.token_in(path) not in self.spoiled]
        folder = data.draw(st.sampled_from(sorted(whole)))
        path = folder / data.draw(st.sampled_from(["weights.safetensors", "manifest.json"]))
        raw = bytearray(path.read_bytes())
        raw[random.Random(seed).randrange(len(raw))] ^= 1 + seed % 255
        path.write_bytes(raw)
        self.spoiled.add(self.token_in(folder))
        self.alive = self.look()

    @invariant()
    def newest_and_best_are_those_of_the_model(self):
        folders = [name for name in names(self.folder) if name.startswith("step")]
        if folders and not self.alive:
            with pytest.raises(CheckpointError, match=max(folders)[:17]):
                self.store.newest()
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)
            self.compare(self.store.newest(), sorted(self.alive)[-1:])
            self.compare(self.store.best(), self.best_of(self.alive))

    def compare(self, found, expected):
        assert ([found.step] if found else []) == expected
        if found:
            assert found.notes["token"] == self.alive[found.step]
            assert_whole(found)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    # nobody pulls the plug here; test_store.py sees to what is synchronised, and when
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.mark.filterwarnings("ignore::rl_attention.checkpoints.CheckpointWarning")
class TestHistories(Histories.TestCase):
    settings = settings(max_examples=15, stateful_step_count=20)


@pytest.mark.slow
class TestMoreHistories(TestHistories):
    settings = settings(max_examples=150, stateful_step_count=40)
