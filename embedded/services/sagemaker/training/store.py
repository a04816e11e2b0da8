"""All training jobs of this cloud."""

import threading

from embedded.kept import parts
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.services.sagemaker.training.runner import INTERNAL_REASON, Runner


class Store:
    """Jobs by account, region and name, and the runner of each."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._jobs: dict[tuple[str, str, str], TrainingJob] = {}
        self._runners: dict[str, Runner] = {}
        parts.keep_contents("sagemaker.training", self._jobs)
        parts.afterwards(self._fail_what_ran)

    def add(self, job: TrainingJob, runner: Runner) -> None:
        with self.lock:
            self._jobs[job.account, job.region, job.name] = job
            self._runners[job.arn] = runner

    def remove(self, job: TrainingJob) -> None:
        with self.lock:
            del self._jobs[job.account, job.region, job.name]
            self._runners.pop(job.arn, None)

    def _fail_what_ran(self) -> None:
        for job in self._jobs.values():
            job.warm_pool = None
            if job.status not in TERMINAL:
                job.finish("Failed", "Failed", "Training job failed", INTERNAL_REASON)

    def find(self, account: str, region: str, name: str) -> TrainingJob | None:
        with self.lock:
            return self._jobs.get((account, region, name))

    def jobs(self, account: str, region: str) -> list[TrainingJob]:
        """All jobs of one account in one region."""
        with self.lock:
            return [job for job in self._jobs.values() if (job.account, job.region) == (account, region)]

    def by_name(self, name: str) -> list[TrainingJob]:
        """All jobs of this name, whatever their account."""
        with self.lock:
            return [job for job in self._jobs.values() if job.name == name]

    def runner(self, job: TrainingJob) -> Runner:
        return self._runners[job.arn]

    def runners(self) -> list[Runner]:
        with self.lock:
            return list(self._runners.values())
