"""The bus: services register where deliveries go and who hears of events, and the bus knows none of them."""

import pkgutil
import subprocess
import sys
from typing import Any

import embedded.bus
from embedded.bus import events


def test_the_bus_brings_no_service_with_it() -> None:
    names = [found.name for found in pkgutil.iter_modules(embedded.bus.__path__, "embedded.bus.")]
    code = f"import sys, {', '.join(names)}; print([n for n in sys.modules if n.startswith('embedded.services')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_events_of_sagemaker_wake_the_tasks_that_wait_for_jobs(monkeypatch: Any) -> None:
    from embedded.services.stepfunctions.sagemaker import job_changes

    monkeypatch.setattr(events, "_listeners", [job_changes._hear])
    before = job_changes.generation()
    events.publish("123456789012", "us-east-1", {"source": "aws.cloudwatch", "detail": {}})
    assert job_changes.generation() == before
    events.publish("123456789012", "us-east-1", {"source": "aws.sagemaker", "detail": {}})
    assert job_changes.generation() == before + 1
