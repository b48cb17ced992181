"""Past frames as tokens: which there are, where they are, and what is refused."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from spaces_for_tests import past_frames, symbol_box
from stable_baselines3.common.preprocessing import preprocess_obs

from rl_attention.errors import UserError
from rl_attention.nn.functional import row_max, row_mean
from rl_attention.tokenizers import ObservationTokenizer, TokenOptions, read_schema
from rl_attention.tokenizers.distinct import LEAST_ROWS

T, N, D = 3, 4, 8
SPACE = past_frames(T, N)
WAYS = ("entities", "newest", "summary")


def batch_of(space, size=5, seed=0):
    space.seed(seed)
    samples = [space.sample() for _ in range(size)]
    stacked = {key: torch.as_tensor(np.stack([s[key] for s in samples])) for key in samples[0]}
    return preprocess_obs(stacked, space)


def tokenizer_of(space=SPACE, **options):
    torch.manual_seed(0)
    return ObservationTokenizer(space, TokenOptions(D, **options))


def listed(flags, way):
    """Which rows have tokens of their own."""
    first = {"entities": 0, "newest": T - 1, "summary": T}[way]
    return flags[..., first:, :]


def without(*keys):
    return spaces.Dict({key: part for key, part in SPACE.spaces.items() if key not in keys})


def test_one_token_a_real_row_and_one_a_step():
    tokenizer, seen = tokenizer_of(), batch_of(SPACE)
    (tokens, layout), places, *_ = tokenizer(seen)
    rows, steps = seen["frames_mask"] > 0, seen["frames_steps"] > 0
    assert tokenizer.n_tokens == layout.n_slots == T * N + T
    assert tokens.shape == (rows.sum() + steps.sum(), D)
    assert torch.equal(layout.mask, torch.cat([rows.flatten(1), steps], dim=1))
    ages = torch.tensor([2] * N + [1] * N + [0] * N + [2, 1, 0])
    assert torch.equal(layout.pad(places, -1)[..., 0], torch.where(layout.mask, ages, -1))
    assert [-step for step in tokenizer.entities.steps] == ages.tolist()
    assert tokenizer.entities.rows == (*range(N), *range(N), *range(N), None, None, None)


def test_one_token_a_step():
    tokenizer, seen = tokenizer_of(frames="summary"), batch_of(SPACE)
    (tokens, layout), places, *_ = tokenizer(seen)
    steps = seen["frames_steps"] > 0
    assert tokenizer.n_tokens == layout.n_slots == T
    assert tokens.shape == (steps.sum(), D)
    assert torch.equal(layout.mask, steps)
    assert torch.equal(places[:, 0], 2 - layout.slot)
    assert tokenizer.entities.steps == (-2, -1, 0)


def test_one_token_a_row_of_now_and_one_a_step():
    tokenizer, seen = tokenizer_of(frames="newest"), batch_of(SPACE)
    (tokens, layout), places, *_ = tokenizer(seen)
    rows, steps = seen["frames_mask"][:, -1] > 0, seen["frames_steps"] > 0
    assert tokenizer.n_tokens == layout.n_slots == N + T
    assert tokens.shape == (rows.sum() + steps.sum(), D)
    assert torch.equal(layout.mask, torch.cat([rows, steps], dim=1))
    ages = torch.tensor([0] * N + [2, 1, 0])
    assert torch.equal(layout.pad(places, -1)[..., 0], torch.where(layout.mask, ages, -1))
    assert [-step for step in tokenizer.entities.steps] == ages.tolist()
    assert tokenizer.entities.rows == (*range(N), None, None, None)


def test_the_past_is_summed_up_and_the_rows_of_now_are_not():
    """With equal weights, past steps are those of `summary`; that of now is what was done alone."""
    whole, apart = tokenizer_of(frames="summary"), tokenizer_of(frames="newest")
    apart.load_state_dict(whole.state_dict())
    seen = batch_of(SPACE)
    now = {**seen, "frames_mask": seen["frames_mask"].clone()}
    now["frames_mask"][:, -1] = 0
    found = apart(seen).entities
    steps = found.layout.pad(found.tokens)[:, N:]
    torch.testing.assert_close(steps, whole(now).entities.layout.pad(whole(now).entities.tokens))
    real = seen["frames_mask"][:, -1] > 0
    rows = (
        apart.entities.encoder(seen["frames"][:, -1][real]) + apart.entities.positions.tables[0][0]
    )
    torch.testing.assert_close(found.layout.pad(found.tokens)[:, :N][real], rows)
    assert torch.equal(seen["frames_mask"], batch_of(SPACE)["frames_mask"])


def test_a_step_is_the_mean_and_the_largest_of_its_rows_and_what_was_done():
    tokenizer, seen = tokenizer_of(frames="summary"), batch_of(SPACE)
    part = tokenizer.entities
    (tokens, layout), *_ = tokenizer(seen)
    for token, row, slot in zip(tokens, layout.row, layout.slot, strict=True):
        real = seen["frames_mask"][row, slot] > 0
        hidden = part.hidden(part.encoder(seen["frames"][row, slot][real]))
        pooled = torch.zeros(2 * D)
        if real.any():
            pooled = torch.cat([hidden.mean(dim=0), hidden.max(dim=0).values])
        action, reward = seen["frames_actions"][row, slot], seen["frames_rewards"][row, slot]
        expected = part.pooled(pooled) + part.step.step
        expected = expected + part.step.actions(action[None]) + part.step.rewards(reward[None])
        expected = expected + part.positions.tables[0][2 - slot]
        torch.testing.assert_close(token, expected)


@pytest.mark.parametrize("kinds", [1, 3, 300])
def test_equal_frames_of_a_batch_are_embedded_once(kinds):
    tokenizer, rng = tokenizer_of(frames="summary"), np.random.default_rng(0)
    few = batch_of(SPACE, size=kinds)
    size = 300
    index = torch.as_tensor(rng.integers(0, len(few["frames"]), (size, T)))
    index = torch.arange(size)[:, None] if kinds == size else index  # all but a few are distinct
    steps = torch.arange(T)
    seen = {**batch_of(SPACE, size), "frames_steps": torch.ones(size, T)}
    for key in ("frames", "frames_mask"):
        seen[key] = few[key][index, steps]
    embedded = []
    handle = tokenizer.entities.encoder.register_forward_hook(
        lambda module, given, output: embedded.append(len(output))
    )
    (together, _), *_ = tokenizer(seen)
    assert len(embedded) == 1
    assert size * T >= LEAST_ROWS
    all_rows = int(seen["frames_mask"].sum())
    assert embedded[0] == all_rows if kinds > 100 else embedded[0] <= kinds * T * N < all_rows
    handle.remove()
    alone = [tokenizer({k: v[i : i + 1] for k, v in seen.items()})[0].tokens for i in range(size)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)


def test_gradients_of_equal_frames_add_up():
    seen = batch_of(SPACE, size=1)
    seen["frames_steps"][:] = 1
    many = {key: value.repeat(LEAST_ROWS, *[1] * (value.dim() - 1)) for key, value in seen.items()}
    gradients = []
    for given, times in ((seen, LEAST_ROWS), (many, 1)):
        tokenizer = tokenizer_of(frames="summary")
        (tokenizer(given)[0].tokens.sum() * times).backward()
        gradients.append([p.grad for p in tokenizer.entities.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "left_out", [("frames_mask",), ("frames_steps",), ("frames_actions", "frames_rewards")]
)
def test_every_key_beside_the_frames_may_be_left_out(way, left_out):
    space = without(*left_out)
    tokenizer, seen = tokenizer_of(space, frames=way), batch_of(space)
    (tokens, _), *_ = tokenizer(seen)
    rows = listed(seen.get("frames_mask", torch.ones(5, T, N)), way).sum()
    steps = seen.get("frames_steps", torch.ones(5, T)).sum()
    assert len(tokens) == steps + rows
    assert tokens.isfinite().all()


def test_frames_alone_have_no_token_for_a_step():
    tokenizer = tokenizer_of(spaces.Dict(frames=SPACE["frames"]))
    assert tokenizer.n_tokens == T * N
    assert tokenizer.entities.step is None


@pytest.mark.parametrize("way", WAYS)
def test_a_stack_of_frames_alone_with_a_column_that_says_what_is_real(way):
    space = spaces.Box(0, 1, (T, N, 5))
    tokenizer = tokenizer_of(space, kind="frames", presence_column=4, frames=way)
    seen = torch.rand(2, T, N, 5)
    seen[..., 4] = torch.randint(0, 2, (2, T, N))
    (tokens, _), *_ = tokenizer(seen)
    assert len(tokens) == listed(seen[..., 4], way).sum() + (0 if way == "entities" else 2 * T)
    other = torch.where(seen[..., 4:] > 0, seen, seen * torch.tensor([9.0, 9, 9, 9, 1]))
    torch.testing.assert_close(tokenizer(other)[0].tokens, tokens)


@pytest.mark.parametrize("way", WAYS)
def test_several_sets_one_of_which_are_frames(way):
    parts = {key.replace("frames", "past"): part for key, part in SPACE.spaces.items()}
    space = spaces.Dict(**parts, allies=spaces.Box(-1, 1, (2, 3)))
    options = {"entity_keys": ["past", "allies"], "kind": {"past": "frames"}}
    tokenizer, seen = tokenizer_of(space, frames=way, **options), batch_of(space)
    (tokens, layout), places, *_ = tokenizer(seen)
    assert layout.n_slots == tokenizer.n_tokens == listed(torch.ones(T, N), way).sum() + T + 2
    assert places is None
    assert tokens.isfinite().all()


@pytest.mark.parametrize("way", WAYS)
def test_rows_may_be_more_than_in_the_space(way):
    tokenizer, seen = tokenizer_of(frames=way), batch_of(SPACE)
    more = {
        **seen,
        "frames": torch.cat([seen["frames"], torch.full((5, T, 3, 4), 1e9)], dim=2),
        "frames_mask": torch.cat([seen["frames_mask"], torch.zeros(5, T, 3)], dim=2),
    }
    torch.testing.assert_close(tokenizer(more)[0].tokens, tokenizer(seen)[0].tokens)


def test_numbers_that_were_done_are_scaled_by_their_bounds():
    space = spaces.Dict(
        {**SPACE.spaces, "frames_actions": spaces.Box(-4.0, 4.0, (T, 2), np.float32)}
    )
    actions = tokenizer_of(space).entities.step.actions
    assert actions.numbers == [0, 1]
    torch.testing.assert_close(actions.scale, torch.full((2,), 0.25))


def test_the_keys_beside_frames_are_no_part_of_the_global_token():
    assert set(read_schema(SPACE).global_spaces) == {"direction"}
    alone = spaces.Dict(entities=symbol_box(3), frames_rewards=spaces.Box(0, 1, (2,)))
    assert set(read_schema(alone).global_spaces) == {"frames_rewards"}


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"frames_actions": symbol_box(2)}, {}, "'frames_actions' must be a Box with"),
        ({"frames": spaces.Box(0, 1, (T, 4))}, {}, "'frames' must be a Box with 3 axes"),
        ({"frames_mask": spaces.MultiBinary(N)}, {}, "each of the 12 tokens of 'frames'"),
        ({"frames_steps": spaces.MultiBinary(2)}, {}, "each of the 3 tokens of 'frames'"),
        ({"frames_actions": spaces.Box(0, 1, (2,))}, {}, "a row for each of the 3 steps"),
        ({"frames_actions": spaces.MultiBinary(3)}, {}, "'frames_actions' must be a Box with"),
        ({"frames_rewards": spaces.Box(0, 1, (T, 0))}, {}, "a row for each of the 3 steps"),
        ({}, {"presence_column": 0}, "a mask already, key .frames_mask.: give it to HistoryVecEnv"),
        ({}, {"frames": "mean"}, "frames: expected one of entities, newest, summary, got 'mean'"),
    ],
)
def test_what_is_refused(changes, options, message):
    with pytest.raises(UserError, match=message) as caught:
        tokenizer_of(spaces.Dict({**SPACE.spaces, **changes}), **options)
    assert "\n" not in str(caught.value)


def test_frames_of_stacked_frames_are_refused():
    space = spaces.Dict(frames=spaces.Box(0, 1, (T, N, 8)))
    with pytest.raises(UserError, match="n_stack: expected 1 with past frames in 'frames', got 2"):
        tokenizer_of(space, n_stack=2)


def test_means_and_largest_are_zero_where_nothing_is_real():
    tokenizer = tokenizer_of(frames="summary").entities
    layout = tokenizer.layout(torch.zeros(2, N, 4), torch.zeros(2, N))
    empty = torch.zeros(0, D)
    assert not row_mean(empty, layout).any()
    assert not row_max(empty, layout).any()
