"""Every field of a config as a command-line option, with its description as help."""

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rl_attention.errors import UserError
from rl_attention.experiment.config import RunConfig
from rl_attention.experiment.hyperparams import HYPERPARAMS
from rl_attention.experiment.overrides import nest
from rl_attention.experiment.validation import find_group
from rl_attention.experiment.yaml_files import parse_yaml

Command = TypeVar("Command", bound=Callable[..., Any])

ALIASES = {
    "env.id": ("--env", "--env-id"),
    "env.n_envs": ("--n-envs", "--num-envs"),
    "env.vec_env": ("--vec-env",),
    "n_timesteps": ("-n", "--n-timesteps", "--total-timesteps"),
    "eval.n_episodes": ("--eval-episodes",),
    "num_threads": ("--num-threads",),
    "hyperparams.learning_rate": ("--learning-rate",),
}
"""Spellings of RL Zoo and CleanRL, beside the dotted one that every field has."""

_META = "rl_attention.overrides"
_WORDS = {
    int: "INTEGER",
    float: "NUMBER",
    bool: "true|false",
    str: "TEXT",
    tuple: "LIST",
    dict: "MAPPING",
}


@dataclass(frozen=True)
class Leaf:
    """One field of a config that holds a value.

    Args:
        path: Dotted path from the top.
        field: Pydantic's description of it.
        algos: For a hyperparameter, the algorithms that have it.
    """

    path: str
    field: FieldInfo
    algos: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the value is taken as it was typed."""
        return self.field.annotation in (str, str | None) or self._origin is Literal

    @property
    def metavar(self) -> str:
        """What the value looks like, for `--help`."""
        if self._origin is Literal:
            return "|".join(str(choice) for choice in get_args(self.field.annotation))
        # text is taken as it was typed, so `null` would be the word
        names = ["TEXT"] if self.is_text else _name_types(self.field.annotation)
        return "|".join(dict.fromkeys(names))

    @property
    def help(self) -> str:
        """The field's description, whose it is, and its default."""
        text = self.field.description or ""
        if self.algos and len(self.algos) < len(HYPERPARAMS):
            text += f" [{', '.join(self.algos)}]"
        if not self.algos and not self.field.is_required() and self.field.default is not None:
            text += f" [default: {_plain(self.field.default)}]"
        return text

    @property
    def _origin(self) -> Any:
        return get_origin(self.field.annotation)


def find_leaves(model: type[BaseModel] = RunConfig, prefix: str = "") -> Iterator[Leaf]:
    """List the fields that hold a value, group by group; `--from` stands for the group `init`.

    Args:
        model: The config's class.
        prefix: Path of that group, with a dot behind it.
    """
    for name, field in model.model_fields.items():
        group = find_group(model, name)
        if name == "init":
            continue
        if name == "hyperparams":
            yield from _hyperparams()
        elif group is not None:
            yield from find_leaves(group, f"{prefix}{name}.")
        else:
            yield Leaf(f"{prefix}{name}", field)


def config_options(command: Command) -> Command:
    """Give a command one option for each field of a config, with the usual short spellings.

    What the user gave is found by `given_overrides`.

    Args:
        command: A function that is about to become a click command.
    """
    for leaf in reversed(list(find_leaves())):
        names = (*ALIASES.get(leaf.path, ()), f"--{leaf.path}")
        identifier = "set_" + leaf.path.replace(".", "__")
        command = click.option(
            *names,
            identifier,
            metavar=leaf.metavar,
            help=leaf.help,
            expose_value=False,
            callback=_make_callback(leaf),
        )(command)
    return command


def given_overrides() -> dict[str, Any]:
    """Return the settings given on the command line, nested as in a file."""
    return nest(click.get_current_context().meta.get(_META, {}))


def add_overrides(values: dict[str, Any]) -> None:
    """Add settings by their dotted paths to those given on the command line."""
    click.get_current_context().meta.setdefault(_META, {}).update(values)


def read_value(text: str, source: str) -> Any:
    """Read a value as YAML would: `64`, `3e-4`, `[64, 64]`, `null`.

    Args:
        text: What was typed.
        source: The option, for messages.

    Raises:
        UserError: It is not YAML.
    """
    return parse_yaml(text, source=source)


def _make_callback(leaf: Leaf) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value is None:
            return
        try:
            parsed = value if leaf.is_text else read_value(value, f"--{leaf.path}")
        except UserError as error:
            raise click.UsageError(str(error)) from None
        ctx.meta.setdefault(_META, {})[leaf.path] = parsed

    return callback


def _hyperparams() -> Iterator[Leaf]:
    owners: dict[str, list[str]] = {}
    for algo, model in HYPERPARAMS.items():
        for name in model.model_fields:
            owners.setdefault(name, []).append(algo)
    for name, algos in owners.items():
        field = HYPERPARAMS[algos[0]].model_fields[name]
        yield Leaf(f"hyperparams.{name}", field, tuple(algos))


def _name_types(annotation: Any) -> list[str]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _name_types(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [name for part in get_args(annotation) for name in _name_types(part)]
    if annotation is type(None):
        return ["null"]
    return [_WORDS.get(origin or annotation, "VALUE")]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
