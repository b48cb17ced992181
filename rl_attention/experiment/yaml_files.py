"""YAML in and out: plain data only, of a sane size, without aliases."""

import re
from pathlib import Path
from typing import Any

import yaml

from rl_attention.errors import UserError
from rl_attention.files import open_plain

MAX_BYTES = 1 << 17  # 2 s of reading
MAX_DEPTH = 32

_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


def load_yaml(path: Path, *, follow: bool = False) -> Any:
    """Read a YAML file.

    Args:
        path: The file.
        follow: Whether it may be a link or a pipe, as where the user names a task file.

    Raises:
        UserError: The file is not there, too large, not UTF-8, or not plain YAML.
    """
    raw = _read_stream(path) if follow else _read_file(path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected UTF-8 text, got other bytes") from None
    return parse_yaml(text, source=str(path))


def _read_file(path: Path) -> bytes:
    with open_plain(path, limit=MAX_BYTES) as file:
        return file.read()


def _read_stream(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{path}: expected at most {MAX_BYTES:,} bytes, got more")
    return raw


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
    except UserError:  # a ValueError too
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deep"
        raise UserError(f"{source}: not plain YAML: {reason}") from None


def dump_yaml(data: Any) -> str:
    """Write plain data as YAML, keys in their given order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Loader(yaml.SafeLoader):
    """The safe loader with the numbers of YAML 1.2, which refuses a key that is written twice.

    YAML 1.1 reads 010 as 8, 1:30 as 90 and 3e-4 as text.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own way to say it)
        first: [(tag, pattern) for tag, pattern in known if tag not in (_INT, _FLOAT)]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which quotes texts that the loader would take for numbers."""


_DIGITS = r"[0-9](?:_?[0-9])*"
_FRACTION = rf"(?:\.{_DIGITS}|{_DIGITS}(?:\.(?:{_DIGITS})?)?)(?:[eE][-+]?[0-9]+)?"
for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(_INT, re.compile(rf"[-+]?{_DIGITS}$"), list("-+0123456789"))
    _kind.add_implicit_resolver(_FLOAT, re.compile(rf"[-+]?{_FRACTION}$"), list("-+.0123456789"))
_Loader.add_constructor(_INT, lambda _, node: int(node.value))
_Loader.add_constructor(_FLOAT, lambda _, node: float(node.value))


def _check_events(text: str, source: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark = event.start_mark
        line = 1 if mark is None else mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise UserError(f"{source}: line {line}: aliases (*name) are refused; write it out")
        if getattr(event, "tag", None) is not None:
            raise UserError(f"{source}: line {line}: not plain YAML: a tag (!name)")
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise UserError(f"{source}: line {line}: expected at most {MAX_DEPTH} levels")
