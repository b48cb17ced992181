"""The errors that are the user's to mend."""


class EnvironmentConfigError(ValueError):
    """An environment, view or backend that cannot be had as it was asked for.

    The message is one line: what was expected, what came, what to do.
    """
