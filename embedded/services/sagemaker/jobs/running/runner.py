"""A thread that runs one job, of whatever kind: what orders it takes, and what others may ask of its nodes."""

import queue
import threading
from abc import abstractmethod
from pathlib import Path
from typing import Generic, TypeVar

from embedded.nodes.engine import Engine, Entry
from embedded.services.sagemaker.jobs.attempt import AttemptRun
from embedded.services.sagemaker.jobs.endings import Inbox, Order, Reason
from embedded.services.sagemaker.jobs.job import Job
from embedded.services.sagemaker.jobs.running.failures import JobHalt, failure_reason

OneJob = TypeVar("OneJob", bound=Job)


class JobRunner(threading.Thread, Generic[OneJob]):
    """Runs one job."""

    def __init__(self, job: OneJob, engine: Engine) -> None:
        super().__init__(name=f"job {job.name}", daemon=True)
        self.job, self._engine = job, engine
        self._inbox: Inbox = queue.Queue()
        self._run: AttemptRun | None = None
        self._early: Order | None = None
        """An order that came before the nodes ran."""

    @property
    def folder(self) -> Path | None:
        """The folder of the attempt that runs now."""
        return None if self._run is None else self._run.folder

    def order(self, order: Order) -> None:
        """End the current attempt, for the reason that the order gives."""
        self._inbox.put(order)

    def kill(self, host: str | None) -> None:
        """Kill one node's processes, or all."""
        if self._run is not None:
            self._run.signal(9, host)

    def hosts(self) -> list[str]:
        """The nodes of the attempt that runs now."""
        return [] if self._run is None else self._run.hosts

    def entry(self, host: str) -> Entry | None:
        """The way into one node of the attempt that runs now; None while it does not run."""
        return None if self._run is None else self._run.entry(host)

    def run(self) -> None:
        """Run the job to its end; any error on the way becomes its FailureReason."""
        try:
            self._work()
        except JobHalt as halt:
            self._end_stopped(halt.reason)
        except Exception as error:
            self._end_failed(failure_reason(self.job.name, error))

    @abstractmethod
    def _work(self) -> None:
        """Run the job; what is raised ends it."""

    @abstractmethod
    def _end_stopped(self, reason: Reason) -> None:
        """Enter the final status of a job that was stopped, or that ran out of time."""

    @abstractmethod
    def _end_failed(self, reason: str) -> None:
        """Enter the final status of a job that failed."""

    def _check(self) -> None:
        """Raise if the job is to end before its nodes run; any other early order is kept."""
        while self._early is None and not self._inbox.empty():
            item = self._inbox.get_nowait()
            if isinstance(item, Order):
                self._early = item
        if self._early is not None and self._early.reason == "stopped":
            raise JobHalt("stopped")
