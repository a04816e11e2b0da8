"""The child executions of a map run: what each came to, and when so many have failed that the run has."""

import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor_worker import (  # noqa: E501
    DistributedItemProcessorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator.distributed_iterator_worker import (  # noqa: E501
    DistributedIteratorWorker,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData

from embedded import moto_patches

_CAUSE = "The specified tolerated failure threshold was exceeded"


@dataclass(kw_only=True, slots=True)
class Child:
    """One child execution."""

    index: int
    given: Any
    started: datetime
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "RUNNING"
    output: Any = None
    error: str | None = None
    cause: str | None = None
    stopped: datetime | None = None


@dataclass(kw_only=True, slots=True)
class Children:
    """All children of a run, and what it tolerates."""

    item_count: int
    """How many items there are in all; a batch has several."""
    all: list[Child] = field(default_factory=list)
    failed_items: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tolerates(self, record: Any) -> bool:
        """Whether so many failures are still tolerated; a run that says nothing tolerates none."""
        count, percentage = record.tolerated_failure_count, record.tolerated_failure_percentage
        if not self.failed_items:
            return True
        if not count and not percentage:
            return False
        too_many = count and self.failed_items > count
        too_large = percentage and 100.0 * self.failed_items / self.item_count > percentage
        return not too_many and not too_large


def of(record: Any) -> Children:
    """The children of a map run."""
    found: Children = record.children
    return found


def _eval_job(self: Any, env: Any, job: Any) -> None:
    """Run one child. moto takes a child that failed for one that has returned null."""
    record, items = self._map_run_record, _size(job.job_input, self)
    counters = record.item_counter, record.execution_counter
    for counter, amount in zip(counters, (items, 1), strict=True):
        counter.total.offset(amount)
        counter.running.offset(amount)
    child = Child(index=job.job_index, given=job.job_input, started=datetime.now(UTC))
    of(record).all.append(child)
    try:
        env.states.context_object.context_object_data["Map"] = MapData(
            Item=ItemData(Index=job.job_index, Value=job.job_input)
        )
        env.states.reset(job.job_input)
        env.stack.append(env.states.get_input())
        self._eval_input(env_frame=env)
        child.given = env.states.get_input()
        job.job_program.eval(env)
        _conclude(child, env)
    except FailureEventException as failure:
        pair = failure.extract_error_cause_pair()
        child.status, (child.error, child.cause) = "FAILED", (None, None) if pair is None else pair
    except Exception as error:
        child.status, child.error, child.cause = "FAILED", "States.Runtime", str(error)
    finally:
        child.stopped = datetime.now(UTC)
        for counter, amount in zip(counters, (items, 1), strict=True):
            counter.running.offset(-amount)
            _count(counter, child.status, amount)
    job.job_output = child.output
    if child.status != "SUCCEEDED":
        with of(record).lock:
            of(record).failed_items += items
            if not of(record).tolerates(record):
                job.job_output = _exceeded(env)


def _size(given: Any, worker: Any) -> int:
    return len(given["Items"]) if getattr(worker._map_run_record, "batched", False) else 1


def _conclude(child: Child, env: Any) -> None:
    end = env.program_state()
    if isinstance(end, ProgramEnded):
        child.status, child.output = "SUCCEEDED", env.states.get_input()
        return
    child.status = "ABORTED" if isinstance(end, ProgramStopped) else "FAILED"
    told = end.error if isinstance(end, ProgramError | ProgramStopped) and end.error is not None else {}
    child.error, child.cause = told.get("error"), told.get("cause")
    if not isinstance(end, ProgramError | ProgramStopped):
        child.status = "TIMED_OUT"


def _count(counter: Any, status: str, amount: int) -> None:
    name = {"SUCCEEDED": "succeeded", "ABORTED": "aborted", "TIMED_OUT": "timed_out"}.get(status, "failed")
    getattr(counter, name).offset(amount)
    if status == "SUCCEEDED":
        counter.results_written.offset(amount)


def _exceeded(env: Any) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesExceedToleratedFailureThreshold)
    details = MapRunFailedEventDetails(error=name.error_name, cause=_CAUSE)
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.MapRunFailed,
            event_details=EventDetails(mapRunFailedEventDetails=details),
        )
    )


def install() -> None:
    """Replace moto's parts."""
    for worker in (DistributedItemProcessorWorker, DistributedIteratorWorker):
        moto_patches.replace(
            worker, "_eval_job", _eval_job, reason="a child that fails counts as one that returns null"
        )
