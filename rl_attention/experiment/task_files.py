"""Finding a task file: by path, or by name among those that come with the package."""

from pathlib import Path
from typing import Any

from rl_attention.errors import UserError
from rl_attention.experiment.validation import suggest
from rl_attention.experiment.yaml_files import load_yaml

_PACKAGE = Path(__file__).resolve().parents[1]


def packaged_tasks() -> dict[str, Path]:
    """Return the task files that come with the package, by name.

    A wheel holds them in `rl_attention/configs`; a checkout in `configs` beside the package.
    """
    return _packaged("*.yaml")


def packaged_suites() -> dict[str, Path]:
    """Return the suite files that come with the package, by name; they lie in `configs/suites`."""
    return _packaged("suites/*.yaml")


def _packaged(pattern: str) -> dict[str, Path]:
    for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs"):
        files = sorted(folder.glob(pattern))
        if files:
            return {file.stem: file for file in files}
    return {}


def find_task(name: str, *, option: str = "--config", suites: bool = False) -> Path:
    """Return the path of a task file.

    Args:
        name: A path, or the name of a packaged task such as `doorkey-5x5`.
        option: Where the user said it, for messages.
        suites: Take the packaged suites into account too.

    Raises:
        UserError: There is neither such a file nor such a task.
    """
    tasks = packaged_tasks() | (packaged_suites() if suites else {})
    if name in tasks:  # a file of that name is meant by ./name
        return tasks[name]
    path = Path(name)
    try:
        if path.exists() and not path.is_dir():  # a pipe such as <(...) is as good as a file
            return path
    except OSError as error:
        raise UserError(f"{option}: {name!r} cannot be read ({error.strerror})") from None
    hint = suggest((path.stem,), list(tasks))
    kind = "packaged suite or task" if suites else "packaged task"
    raise UserError(f"{option}: no file and no {kind} called {name!r}{hint}")


def load_task(name: str, *, option: str = "--config", suites: bool = False) -> tuple[Any, str]:
    """Return a task file's plain data (an empty file is an empty mapping) and its name."""
    path = find_task(name, option=option, suites=suites)
    data = load_yaml(path, follow=True)
    return ({} if data is None else data), str(path)
