"""The tuner's wait for a change of a job: none is slept through, and an end of patience is one."""

import time
from typing import Any

from embedded.services.sagemaker.tuning.tuner import Changes

JOB: Any = object()


def test_a_change_between_the_look_and_the_wait_ends_the_wait_at_once() -> None:
    changes = Changes()
    seen = changes.count()
    changes.note(JOB)
    began = time.monotonic()
    changes.wait(seen, 30)
    assert time.monotonic() - began < 10


def test_without_a_change_it_waits_for_its_time() -> None:
    changes = Changes()
    changes.note(JOB)
    began = time.monotonic()
    changes.wait(changes.count(), 0.05)
    assert time.monotonic() - began >= 0.05
