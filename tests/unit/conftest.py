"""What one test may leave behind for the next, which is nothing, and how hypothesis runs."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Its deadline of 200 ms per example is a clock on the wall: a loaded machine misses it
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def own_sigterm() -> Iterator[None]:
    """A run that was interrupted and has saved ignores further signals, as it leaves; here the process goes on."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)
