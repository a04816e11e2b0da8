"""All jobs of one kind, with the runner of each; every kind's store is known to what acts on jobs of any kind."""

import atexit
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from embedded.kept import parts
from embedded.nodes.folders import remove_folder
from embedded.services.sagemaker.jobs.job import TERMINAL, Job, JobKind
from embedded.services.sagemaker.jobs.running.runner import JobRunner

OneJob = TypeVar("OneJob", bound=Job)


class Store(Generic[OneJob]):
    """Jobs by account, region and name, and the runner of each."""

    def __init__(self, kind: JobKind, lost: Callable[[OneJob], None]) -> None:
        """`lost` is called for each job that comes back from a snapshot: its nodes ended with the cloud before."""
        self.kind = kind
        self.lock = threading.RLock()
        self._jobs: dict[tuple[str, str, str], OneJob] = {}
        self._runners: dict[str, JobRunner[OneJob]] = {}
        parts.keep_contents(f"sagemaker.{kind.word.lower()}", self._jobs)
        self._lost = lost
        parts.afterwards(self._lose)
        _stores.append(self)

    def _lose(self) -> None:
        for job in self._jobs.values():
            self._lost(job)

    def add(self, job: OneJob, runner: JobRunner[OneJob]) -> None:
        with self.lock:
            self._jobs[job.account, job.region, job.name] = job
            self._runners[job.arn] = runner

    def remove(self, job: OneJob) -> None:
        with self.lock:
            del self._jobs[job.account, job.region, job.name]
            self._runners.pop(job.arn, None)

    def find(self, account: str, region: str, name: str) -> OneJob | None:
        with self.lock:
            return self._jobs.get((account, region, name))

    def jobs(self, account: str, region: str) -> list[OneJob]:
        """All jobs of one account in one region."""
        with self.lock:
            return [job for job in self._jobs.values() if (job.account, job.region) == (account, region)]

    def runner(self, job: OneJob) -> JobRunner[OneJob]:
        return self._runners[job.arn]

    def running(self) -> list[JobRunner[OneJob]]:
        """The runners of all jobs that have not ended, whatever their account."""
        with self.lock:
            return [runner for runner in self._runners.values() if runner.job.status not in TERMINAL]


_stores: list[Store[Any]] = []


def stores() -> list[Store[Any]]:
    """The store of each kind of job."""
    return list(_stores)


@atexit.register
def _remove_folders() -> None:
    """Cells end with this process and remove their folders; folders without a cell yet are removed here."""
    for store in _stores:
        for runner in store.running():
            folder = runner.folder
            if folder is not None and folder.exists():
                remove_folder(folder)
