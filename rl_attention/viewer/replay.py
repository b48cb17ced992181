"""Reading a replay that somebody wrote."""

import reprlib
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rl_attention.errors import UserError
from rl_attention.files import open_plain
from rl_attention.viewer.schema import Replay

MAX_REPLAY_BYTES = 128 << 20

_PLAIN = {
    "missing": "required, but it is not there",
    "extra_forbidden": "unknown key",
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "json_invalid": "expected JSON, got something else or half a file",
}


def read_replay(path: Path) -> Replay:
    """Read the JSON file of a replay.

    Args:
        path: What `Replay.save_json` wrote.

    Raises:
        UserError: The file is a link, too large, cannot be read, or holds no replay.
    """
    with open_plain(path, limit=MAX_REPLAY_BYTES) as file:
        raw = file.read(MAX_REPLAY_BYTES)
    try:
        return Replay.model_validate_json(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        raise UserError(f"{path}: {_explain(details[0])}{more}") from None


def _explain(detail: ErrorDetails) -> str:
    """Say in one line what is wrong where."""
    kind = detail["type"]
    where = ".".join(_shown(part) for part in map(str, detail["loc"]))
    if kind == "value_error":  # one of our own checks
        return f"{where}.{detail['ctx']['error']}" if where else str(detail["ctx"]["error"])
    expected = _PLAIN.get(kind, detail["msg"].replace("Input should", "expected to", 1))
    if kind in ("missing", "extra_forbidden", "json_invalid"):
        return f"{where}: {expected}" if where else expected
    return f"{where}: {expected}, got {reprlib.repr(detail['input'])}"


def _shown(part: str) -> str:
    return part if part.isprintable() and part else repr(part)
