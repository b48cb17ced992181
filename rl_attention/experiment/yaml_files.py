"""YAML in and out: plain data only, of a sane size, without aliases."""

from pathlib import Path
from typing import Any

import yaml

from rl_attention.errors import UserError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32


def load_yaml(path: Path) -> Any:
    """Read a YAML file.

    Args:
        path: The file.

    Raises:
        UserError: The file is not there, too large, not UTF-8, or not plain YAML.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{path}: expected at most {MAX_BYTES} bytes of YAML, got more")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected UTF-8 text, got other bytes") from None
    return parse_yaml(text, source=str(path))


def parse_yaml(text: str, *, source: str) -> Any:
    """Read YAML text by the safe loader.

    Args:
        text: The YAML.
        source: Where it came from, for messages.

    Raises:
        UserError: It is not YAML, nests too deep, uses an alias or a tag, or says a key twice.
    """
    try:
        _check_events(text, source)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = 1 if mark is None else mark.line + 1
        raise UserError(f"{source}: line {line}: not plain YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deep"
        raise UserError(f"{source}: not plain YAML: {reason}") from None


def dump_yaml(data: Any) -> str:
    """Write plain data as YAML, keys in their given order."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


class _Loader(yaml.SafeLoader):
    """The safe loader, which refuses a key that is written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _check_events(text: str, source: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark = event.start_mark
        line = 1 if mark is None else mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise UserError(f"{source}: line {line}: aliases (*name) are refused; write it out")
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise UserError(f"{source}: line {line}: expected at most {MAX_DEPTH} levels")
