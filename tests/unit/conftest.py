"""What one test may leave behind for the next: nothing."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_sigterm() -> Iterator[None]:
    """A run that was interrupted and has saved ignores further signals, as it leaves; here the process goes on."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)
