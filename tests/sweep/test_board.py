from io import StringIO
from pathlib import Path

from rich.console import Console

from rl_attention.experiment.progress_file import Progress, read_progress
from rl_attention.experiment.task_config import parse_task
from rl_attention.sweep.board import ProgressBoard
from rl_attention.sweep.executor import Outcome
from rl_attention.sweep.trials import expand

TASK = parse_task({"env": {"id": "E"}, "n_timesteps": 100, "arms": {"mlp": {}}, "seeds": [0, 1]})
TRIALS = expand(TASK, Path("runs"))


def show(*, bars):
    console = Console(file=StringIO(), width=140, force_terminal=bars)
    with ProgressBoard(TRIALS, console, bars=bars) as board:
        for trial in TRIALS:
            board.started(trial)
        board.progressed(TRIALS[0], Progress(50, 100, 1234.0, 0.25))
        board.progressed(TRIALS[1], Progress(130, 130, 1234.0, None))
        board._bars.refresh()
        middle = console.file.getvalue()
        board.ended(Outcome(TRIALS[0], None))
        board.ended(Outcome(TRIALS[1], "mlp seed 1 [broke]"))
        total = board._bars.tasks[0]
    return middle, console.file.getvalue(), total


def test_bars_show_each_run_and_the_sum():
    middle, everything, total = show(bars=True)
    assert "mlp seed 0" in middle
    assert "success 0.25" in middle
    assert "evaluating" in middle
    assert "150/200" in middle  # frames over all runs
    assert "2/2 runs" in everything
    assert total.completed == total.total == 200


def test_without_bars_a_line_begins_and_ends_each_run():
    _, everything, _ = show(bars=False)
    assert everything.splitlines() == [
        "mlp seed 0: started",
        "mlp seed 1: started",
        "mlp seed 0: done",
        "Error: mlp seed 1 [broke]",
    ]


def test_of_hundreds_a_few_have_a_line_and_all_are_counted():
    task = {"env": {"id": "E"}, "n_timesteps": 10, "arms": {"mlp": {}}, "seeds": list(range(300))}
    trials = expand(parse_task(task), Path("runs"))
    console = Console(file=StringIO(), width=140, force_terminal=True)
    with ProgressBoard(trials, console, bars=True) as board:
        for trial in trials[:200]:
            board.started(trial)
        assert len(board._bars.tasks) == 1 + 24
        for trial in trials[:24]:
            board.ended(Outcome(trial, None))
        board.ended(Outcome(trials[24], "broke"))
        board.progressed(trials[100], Progress(5, 10, 1.0, None))  # there is room again
        total, line = board._bars.tasks
        assert total.fields["note"] == "25/300 runs, 175 at work, 1 failed"
        assert (total.completed, total.total) == (255, 3000)
        assert line.description == "mlp seed 100"


def test_an_error_stays_one_line_in_a_narrow_terminal():
    console = Console(file=StringIO(), width=20)
    with ProgressBoard(TRIALS, console, bars=False) as board:
        board.started(TRIALS[0])
        board.ended(Outcome(TRIALS[0], "its log is runs/somewhere/far/below/log.txt"))
    last = console.file.getvalue().splitlines()[-1]
    assert last == "Error: its log is runs/somewhere/far/below/log.txt"


def test_progress_that_is_not_there_yet_is_none(tmp_path):
    path = tmp_path / "progress.json"
    assert read_progress(path) is None
    for text in ("", "{", "[]", '{"step": 1}'):
        path.write_text(text)
        assert read_progress(path) is None
    path.write_text('{"step": 1, "total": 2, "fps": 3.0, "success_rate": null}')
    assert read_progress(path) == Progress(1, 2, 3.0, None)
