"""Signals such as Ctrl-C at a moment when they do no harm."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Hold back what SIGINT and SIGTERM raise until the end of a block.

    For what must not stop halfway, as handing something to another thread: a
    `KeyboardInterrupt` raised within `queue.Queue.put` leaves the queue as if its reader still had
    to be told of what it was told before, and the reader sleeps on.

    Only handlers of Python wait; a signal that is ignored, or ends the process, does so. Outside of
    the main thread, where no handler runs, nothing is held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in held:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
