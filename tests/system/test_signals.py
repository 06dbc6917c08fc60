import os
import signal

import pytest

from fststyle.system.signals import SignalWatch


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_the_second_breaks_off(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with SignalWatch() as watch:
        assert watch.received is None
        os.kill(os.getpid(), number)
        assert watch.received == number
        os.kill(os.getpid(), signal.SIGTERM)  # means no more than the first
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(number) == before
