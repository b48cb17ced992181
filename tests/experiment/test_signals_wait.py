import signal
import threading

import pytest

from rl_attention.signals_wait import signals_wait


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_comes_at_the_end_of_the_block(number):
    done = []

    def handler(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(number, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupted_in_a_block(number, lambda: done.append("the rest of the block"))
        assert done
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals_wait():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_error_of_the_block_is_not_lost_behind_the_signal():
    def fail():
        raise OSError("disk full")

    with pytest.raises(KeyboardInterrupt) as caught:
        _interrupted_in_a_block(signal.SIGINT, fail)
    assert isinstance(caught.value.__context__, OSError)


def test_other_threads_hold_nothing_back():
    handlers = []

    def look():
        with signals_wait():
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [before]


def _interrupted_in_a_block(number, rest):
    with signals_wait():
        signal.raise_signal(number)
        rest()
