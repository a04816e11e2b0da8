"""All tuning jobs of this cloud."""

import threading

from embedded.kept import parts
from embedded.services.sagemaker.tuning.job import TuningJob

_AFTER_RESTART = "InternalServerError: We encountered an internal error. Please try again."


class Store:
    """Tuning jobs by account, region and name."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._jobs: dict[tuple[str, str, str], TuningJob] = {}
        parts.keep_contents("sagemaker.tuning", self._jobs)
        parts.afterwards(self._fail_what_ran)

    def add(self, job: TuningJob) -> None:
        with self.lock:
            self._jobs[job.account, job.region, job.name] = job

    def remove(self, job: TuningJob) -> None:
        with self.lock:
            del self._jobs[job.account, job.region, job.name]

    def find(self, account: str, region: str, name: str) -> TuningJob | None:
        with self.lock:
            return self._jobs.get((account, region, name))

    def jobs(self, account: str, region: str) -> list[TuningJob]:
        """All jobs of one account in one region."""
        with self.lock:
            return [job for job in self._jobs.values() if (job.account, job.region) == (account, region)]

    def running(self) -> list[str]:
        """The names of those that run, whatever their account."""
        with self.lock:
            return [job.name for job in self._jobs.values() if job.status == "InProgress"]

    def _fail_what_ran(self) -> None:
        for job in self._jobs.values():
            job.fail_after_restart(_AFTER_RESTART)
