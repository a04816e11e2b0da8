"""How long a spot job has waited for capacity, by what SageMaker says of it.

A spot job without capacity does not fail: it stays in Starting until MaxWaitTimeInSeconds is over.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

_WAITING = ("Interrupted", "LaunchingMLInstances", "Pending", "PreparingTrainingStack", "Starting")
_ENDING = ("MaxWaitTimeExceeded", "Stopped", "Stopping")


def waited_seconds(job: Mapping[str, Any], now: float) -> float:
    """How long a spot job has waited for instances, or had when it was stopped; 0 for a job that has them."""
    if not job.get("EnableManagedSpotTraining"):
        return 0.0
    steps = [(str(step["Status"]), step["StartTime"].timestamp()) for step in job.get("SecondaryStatusTransitions", ())]
    until = next((began for status, began in steps if status in _ENDING), now)
    left = [step for step in steps if step[0] not in _ENDING]
    wait = list(takewhile(lambda step: step[0] in _WAITING, reversed(left)))
    if wait:
        return float(until - wait[-1][1])
    # The list of transitions may lag behind the job, and a description without it is still a description.
    began_training = left or job.get("TrainingStartTime") is not None
    return 0.0 if began_training else float(until - job["CreationTime"].timestamp())
