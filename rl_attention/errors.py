"""The errors that are the user's to mend."""


class UserError(ValueError):
    """A mistake in what the user gave: shown as one line, exit code 2.

    The message says what was expected, what came, in which key or file, and what to do.
    """
