"""Runs a processing job to its end: capacity, data, nodes, outputs."""

import contextlib
import signal
import time
from dataclasses import dataclass

from embedded.nodes.engine import Engine
from embedded.nodes.image_pull import check_registered
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.attempt import AttemptRun
from embedded.services.sagemaker.jobs.endings import Ending, Order, Reason
from embedded.services.sagemaker.jobs.running.capacity_wait import wait_for_capacity
from embedded.services.sagemaker.jobs.running.failures import INTERNAL_REASON, failure_reason
from embedded.services.sagemaker.jobs.running.runner import JobRunner
from embedded.services.sagemaker.processing import outputs
from embedded.services.sagemaker.processing.container_files import ProcessingContainer
from embedded.services.sagemaker.processing.job import ProcessingJob
from embedded.settings import current
from embedded.weather.processing import STOP_NOTICE, UNFINISHED_OUTPUTS


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """The final status, and what Describe says besides."""

    status: str
    failure_reason: str | None = None
    exit_message: str | None = None


class Runner(JobRunner[ProcessingJob]):
    """Runs one processing job. There is one attempt: the service has no retries for processing."""

    def __init__(self, job: ProcessingJob, engine: Engine) -> None:
        super().__init__(job, engine)
        self._container = ProcessingContainer(job)

    def stop(self) -> None:
        """Stop the job, as StopProcessingJob does."""
        self.order(Order(reason="stopped", at_once=STOP_NOTICE.value != STOP_NOTICE.fair))

    def _work(self) -> None:
        check_registered(self._container.image, self.job.account)
        taken = wait_for_capacity(
            self._take,
            seconds_most=current.capacity_wait_seconds,
            check=self._check,
            note=lambda: None,
            waiting=contextlib.nullcontext,
        )
        try:
            # before the job starts: making an environment has no counterpart on AWS, where the image exists already
            self._engine.prepare(self._container.image)
            outcome = self._attempt()
        finally:
            capacity.give_back(taken)
        # now that its instances are free: whoever waits for this job's end may start another on them
        self.job.finish(outcome.status, failure_reason=outcome.failure_reason, exit_message=outcome.exit_message)

    def _take(self) -> dict[str, int] | None:
        """Take instances of the first type of which there are enough."""
        for candidate in self.job.candidates():
            self.job.choose(candidate)
            wanted = capacity.count_by_type(self.job)
            if capacity.take(wanted):
                return wanted
        return None

    def _attempt(self) -> _Outcome:
        self.job.start()
        started = time.monotonic()
        with AttemptRun(self.job, self._container, self._engine, self._inbox) as run:
            self._run = run
            try:
                run.fetch(self._check)
                self._check()
                if self._early is not None:
                    return _Outcome(status="Failed", failure_reason=INTERNAL_REASON)
                run.start()
                limits: dict[Reason, float] = {"max_runtime": self.job.runtime_seconds - (time.monotonic() - started)}
                return self._end(run, run.wait(limits, first_signal=signal.SIGINT))
            finally:
                self._run = None

    def _end(self, run: AttemptRun, ending: Ending) -> _Outcome:
        """Upload what the nodes have left; a job is completed only when all of it is in S3."""
        if ending.reason in ("hardware", "repaired"):
            with contextlib.suppress(Exception):
                run.settle(last_look=False)
            return _Outcome(status="Failed", failure_reason=INTERNAL_REASON)
        completed = ending.reason == "completed"
        problem, message = None, None
        try:
            uploads = completed or UNFINISHED_OUTPUTS.value == UNFINISHED_OUTPUTS.fair
            run.settle(last_look=uploads)
            message = outputs.exit_message(run.ml)
            if uploads:
                at_end = [output for output in self.job.outputs if not output.is_continuous]
                outputs.upload(run.client("s3"), at_end, run.ml)
        except Exception as error:
            problem = failure_reason(self.job.name, error)
        if ending.first_failed is not None:
            # what the program did wrong comes before what then went wrong with its outputs
            problem = f"AlgorithmError: , exit code: {ending.codes[ending.first_failed]}"
        status = "Failed" if problem is not None else "Completed" if completed else "Stopped"
        return _Outcome(status=status, failure_reason=problem, exit_message=message)

    def _end_stopped(self, reason: Reason) -> None:
        self.job.finish("Stopped")

    def _end_failed(self, reason: str) -> None:
        self.job.finish("Failed", failure_reason=reason)
