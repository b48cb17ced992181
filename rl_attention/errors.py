"""The errors that are the user's to mend."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake in what the user gave: shown as one line, exit code 2.

    The message says what was expected, what came, in which key or file, and what to do.
    """


def suggest(name: object, known: Iterable[str]) -> str:
    """Ask whether the nearest known name was meant, or else list them all.

    Args:
        name: What came.
        known: What could have come.
    """
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known)}"
