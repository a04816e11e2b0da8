"""Runs a training job from Starting to its end: capacity, data, nodes, interruptions and retries, outputs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from embedded import clock
from embedded.nodes.engine import Engine
from embedded.nodes.image_pull import check_registered
from embedded.services.sagemaker.jobs import outputs, warm_pools
from embedded.services.sagemaker.jobs.attempt import AttemptRun
from embedded.services.sagemaker.jobs.endings import Ending, Reason
from embedded.services.sagemaker.jobs.metrics import AlgorithmMetrics
from embedded.services.sagemaker.jobs.running.capacity_wait import LOOK_SECONDS, wait_for_capacity
from embedded.services.sagemaker.jobs.running.failures import INTERNAL_REASON, JobHalt
from embedded.services.sagemaker.jobs.running.runner import JobRunner
from embedded.services.sagemaker.training.container_files import TrainingContainer
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.settings import current
from embedded.weather.carriage import LAST_SYNC
from embedded.weather.spot import SPOT_CAPACITY

_LAUNCHES_AGAIN = "Starting the training job: Insufficient capacity error from EC2 while launching instances, retrying!"
_DEFAULT_RUNTIME_SECONDS = 86400
_MOST_REPAIRS = 10


class Runner(JobRunner[TrainingJob]):
    """Runs one training job."""

    def __init__(self, job: TrainingJob, engine: Engine) -> None:
        super().__init__(job, engine)
        self._container = TrainingContainer(job)
        self._retries_left = job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        self._repairs_left = _MOST_REPAIRS
        condition = job.request.get("StoppingCondition", {})
        self._runtime_seconds = float(condition.get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_SECONDS))
        wait = condition.get("MaxWaitTimeInSeconds")
        self._wait_left = None if wait is None else float(wait)
        """What is left of the longest wait: without instances by the cloud's clock, with them by the machine's."""

    def _work(self) -> None:
        job = self.job
        image = self._container.image
        check_registered(image, job.account)
        while True:
            taken = self._provision()
            try:
                # before billing starts: making an environment has no counterpart on AWS, where the image exists already
                self._engine.prepare(image)
                ending = self._attempt()
            finally:
                warm_pools.release(job, taken)
            if ending.reason == "interrupted":
                job.move("Interrupted", "The spot instances were taken back; waiting for capacity")
                self._pause(current.spot_return_seconds)
            elif ending.reason == "repaired" and self._goes_on(ending):
                self._repairs_left -= 1
                job.move("Restarting", "Repairing training cluster due to hardware failure")
            elif self._goes_on(ending):
                self._retries_left -= 1
                job.move("Restarting", "Restarting the training job after an internal error")
            else:
                return

    def _provision(self) -> dict[str, int]:
        """Take instances in the order of preference; wait for them as long as the service would."""
        job = self.job
        taken = wait_for_capacity(
            self._take,
            seconds_most=None if job.is_spot else current.capacity_wait_seconds,
            check=self._check,
            note=lambda: job.move(job.secondary_status, _LAUNCHES_AGAIN),
            waiting=self._waiting,
        )
        if job.secondary_status != "Starting":
            job.move("Starting", "Starting the training job")
        return taken

    def _take(self) -> dict[str, int] | None:
        job = self.job
        preferences = [entry["InstanceType"] for entry in job.resources.get("InstancePreferences", [])]
        for choice in preferences or [None]:
            job.chosen_instance_type = choice
            taken = None if job.is_spot and SPOT_CAPACITY.value != SPOT_CAPACITY.fair else warm_pools.take(job)
            if taken is not None:
                return taken
        return None

    def _check(self) -> None:
        """Raise if the job is to end before its nodes run."""
        super()._check()
        if self._wait_left is not None and self._wait_left <= 0:
            raise JobHalt("max_wait")

    def _pause(self, seconds: float) -> None:
        until = clock.seconds() + seconds
        while (left := until - clock.seconds()) > 0:
            self._check()
            with self._waiting():
                time.sleep(min(clock.real(left), LOOK_SECONDS))

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        began = clock.seconds()
        yield
        if self._wait_left is not None:
            self._wait_left -= clock.seconds() - began

    def _attempt(self) -> Ending:
        job = self.job
        job.start_training()
        started = time.monotonic()
        self._early = None
        metrics = AlgorithmMetrics(job, job.metric_definitions, job.record_metric)
        with AttemptRun(job, self._container, self._engine, self._inbox, metrics) as run:
            self._run = run
            try:
                ending = self._train(run, started)
                if not self._goes_on(ending):
                    self._deliver(run, ending)
                return ending
            finally:
                self._run = None
                took = time.monotonic() - started
                job.training_seconds += took
                if self._wait_left is not None:
                    self._wait_left -= took

    def _goes_on(self, ending: Ending) -> bool:
        """Whether there is another attempt after this one."""
        if ending.reason == "repaired":
            return self._repairs_left > 0
        return ending.reason == "interrupted" or (ending.reason == "hardware" and self._retries_left > 0)

    def _train(self, run: AttemptRun, started: float) -> Ending:
        job = self.job
        job.move("Downloading", "Downloading input data")
        run.fetch(self._check)
        self._check()
        if self._early is not None:
            # interrupted while data was downloading: no node runs yet
            return Ending(reason=self._early.reason)
        job.move("Downloading", "Downloading the training image")
        run.start()
        job.move("Training", "Training image download completed. Training in progress.")
        limits: dict[Reason, float] = {"max_runtime": self._runtime_seconds - job.training_seconds}
        if self._wait_left is not None:
            limits["max_wait"] = self._wait_left - (time.monotonic() - started)
        ending = run.wait(limits)
        lost = ending.reason in ("hardware", "repaired") or (ending.reason == "interrupted" and ending.killed)
        run.settle(last_look=not lost and LAST_SYNC.value == LAST_SYNC.fair)
        return ending

    def _deliver(self, run: AttemptRun, ending: Ending) -> None:
        """Upload what the nodes have left, and enter the final status."""
        job = self.job
        s3 = run.client("s3")
        nodes = list(run.ml.values())
        if ending.reason in ("failed", "hardware", "repaired"):
            if ending.reason == "failed":
                outputs.upload(s3, job, nodes, with_model=False)
            job.finish("Failed", "Failed", "Training job failed", _failure_reason(run, ending))
            return
        job.move("Uploading", "Uploading generated training model")
        outputs.upload(s3, job, nodes, with_model=True)
        if ending.reason == "completed":
            job.finish("Completed", "Completed", "Training job completed")
        else:
            self._end_stopped(ending.reason)

    def _end_stopped(self, reason: Reason) -> None:
        secondary, message = {
            "max_runtime": ("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"),
            "max_wait": ("MaxWaitTimeExceeded", "Training job waiting time exceeded MaxWaitTimeInSeconds provided"),
        }.get(reason, ("Stopped", "Training job stopped"))
        self.job.finish("Stopped", secondary, message)

    def _end_failed(self, reason: str) -> None:
        self.job.finish("Failed", "Failed", "Training job failed", reason)


def _failure_reason(run: AttemptRun, ending: Ending) -> str:
    if ending.reason in ("hardware", "repaired"):
        return INTERNAL_REASON
    host = ending.first_failed
    assert host is not None
    return f"AlgorithmError: {outputs.failure_text(run.ml[host])}, exit code: {ending.codes[host]}"
