"""A replay as one HTML file that asks nothing of any network."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

if TYPE_CHECKING:
    from rl_attention.viewer.schema import Replay

SCRIPTS = (
    "dom",
    "data",
    "windows",
    "weights",
    "colours",
    "ranges",
    "strengths",
    "state",
    "geometry",
    "frame",
    "tags",
    "legend",
    "heads",
    "bars",
    "strip",
    "columns",
    "table",
    "decision",
    "words",
    "honesty",
    "panel",
    "timeline",
    "probes",
    "controls",
    "main",
)
"""The files of `templates/js`, in the order in which they run."""

_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def render_html(replay: "Replay") -> str:
    """Write a replay as one page: no request, and no script or style but those of this package.

    Args:
        replay: The data. Nothing in it can become markup: it lies in the page as JSON without any
            `<`, and the scripts put it in as text.
    """
    style, scripts = _inlined()
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src {_source(style)}",
            f"script-src {' '.join(map(_source, scripts))}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    # the JSON holds no markup once it is escaped, and the rest is our own files
    return _template().render(
        policy=Markup(policy),
        style=Markup(style),
        data=Markup(_escaped(replay.model_dump_json())),
        scripts=[Markup(script) for script in scripts],
    )


def _escaped(text: str) -> str:
    """Escape in JSON what could end or open an element; all of it stands within strings."""
    return text.translate(_ESCAPES)


def _source(text: str) -> str:
    """Name an inline script or style in the policy by what it says."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _inlined() -> tuple[str, tuple[str, ...]]:
    folder = files("rl_attention.viewer") / "templates"
    scripts = (folder / "js" / f"{name}.js" for name in SCRIPTS)
    style = (folder / "page.css").read_text(encoding="utf-8")
    return style, tuple(script.read_text(encoding="utf-8") for script in scripts)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rl_attention.viewer", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2")
