from dataclasses import replace

import pytest
from suites_for_tests import BAD, GOOD, arm, outcome

from rl_attention.comparison.markdown import escape, render_markdown
from rl_attention.comparison.suite import summarise_suite


def text_of(*runs, **options):
    return render_markdown(summarise_suite([r for part in runs for r in part]), **options)


def row_of(text, name, below):
    """Cells of a row in the table below a caption."""
    lines = text[text.index(below) :].splitlines()
    line = next(line for line in lines if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_the_tables_hold_the_numbers():
    text = text_of(arm("attention", GOOD), arm("mlp", BAD), title="Ours")
    assert text.startswith("# Ours\n")
    assert "doorkey" in text
    assert row_of(text, "attention", "evaluation after training")[2] == "0.948"
    assert "attention is better" in text


def test_a_loss_is_told_as_plainly_as_a_win():
    win, loss = (
        text_of(arm("attention", first), arm("mlp", second))
        for first, second in ((GOOD, BAD), (BAD, GOOD))
    )
    assert win.count("attention is better") == loss.count("mlp is better") == 2
    assert "mlp is better" not in win
    assert "attention is better" not in loss


def test_published_numbers_have_a_column_of_their_own_with_their_source():
    text = text_of(arm("attention", GOOD), arm("mlp", BAD))
    row = row_of(text, "doorkey", "by task and arm")
    assert row[-1] == "0.964 mean return (RL Zoo)"
    assert "0.964" not in "".join(row[:-1])
    assert "commit 22e3ff2" in text


def test_what_does_not_apply_is_a_dash():
    tests = {"shuffled": None, "bigger": outcome(0.25)}
    text = text_of(arm("mlp", [0.5] * 5, zero_shot=tests))
    lines = [line for line in text.splitlines() if line.startswith(("| shuffled", "| bigger"))]
    assert lines[1] == "| shuffled | mlp | - | - | - | - |"
    assert "+0.250 \\[0.250, 0.250\\]" in lines[0]


def test_seeds_that_never_got_there_are_counted():
    runs = arm("mlp", [1.0] * 3)
    assert row_of(text_of(runs), "mlp", "learning speed")[1] == "not reached (0/3 seeds)"
    runs[0], runs[1] = (replace(run, frames_to_90=70) for run in runs[:2])
    assert row_of(text_of(runs), "mlp", "learning speed")[1] == "70 \\[70, never\\] (2/3 seeds)"


def test_few_seeds_warn():
    assert "only 1 seed in an arm" in text_of(arm("mlp", [0.5]))
    assert "## Warnings\n\nNone." in text_of(arm("mlp", GOOD))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a|b", r"a\|b"),
        ("<script>", r"\<script\>"),
        ("[x](http://y)", r"\[x\](http:\//y)"),
        ("www.y", r"www\.y"),
        ("a_b*c`d", r"a\_b\*c\`d"),
    ],
)
def test_names_are_escaped(text, plain):
    assert escape(text) == plain


def test_a_command_stays_code():
    text = text_of(arm("mlp", GOOD), command="a\n```\n# b\x1b")
    assert text.endswith("    a\n    ```\n    # b\\x1b\n")
