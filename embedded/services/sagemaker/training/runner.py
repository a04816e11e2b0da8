"""Runs a job from Starting to its end: capacity, data, nodes, interruptions and retries, outputs."""

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import ClientError

from embedded import clock
from embedded.nodes.channels import ChannelError
from embedded.nodes.engine import Engine, Entry
from embedded.nodes.image import ImageError
from embedded.nodes.image_pull import check_registered
from embedded.operations import ServiceError
from embedded.services.sagemaker.jobs import capacity, outputs, warm_pools
from embedded.services.sagemaker.jobs.attempt import AttemptRun
from embedded.services.sagemaker.jobs.endings import Ending, Inbox, Order, Reason
from embedded.services.sagemaker.training.container_files import TrainingContainer
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.settings import current
from embedded.weather.carriage import LAST_SYNC
from embedded.weather.spot import SPOT_CAPACITY

_CAPACITY_REASON = (
    "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
INTERNAL_REASON = "InternalServerError: We encountered an internal error. Please try again."
_DEFAULT_RUNTIME_SECONDS = 86400
_LOOK_SECONDS = 0.2
_MOST_REPAIRS = 10

log = logging.getLogger(__name__)


class _Failure(Exception):
    """The job fails; the message is its FailureReason."""


class _Halt(Exception):
    """The job ends before its nodes run."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Runner(threading.Thread):
    """Runs one job."""

    def __init__(self, job: TrainingJob, engine: Engine) -> None:
        super().__init__(name=f"job {job.name}", daemon=True)
        self.job, self._engine = job, engine
        self._container = TrainingContainer(job)
        self._inbox: Inbox = queue.Queue()
        self._run: AttemptRun | None = None
        self._retries_left = job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        self._repairs_left = _MOST_REPAIRS
        condition = job.request.get("StoppingCondition", {})
        self._runtime_seconds = float(condition.get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_SECONDS))
        wait = condition.get("MaxWaitTimeInSeconds")
        self._wait_left = None if wait is None else float(wait)
        """What is left of the longest wait: without instances by the cloud's clock, with them by the machine's."""
        self._early: Order | None = None

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
        job = self.job
        try:
            self._run_attempts()
        except _Halt as halt:
            self._finish_stopped(halt.reason)
        except _Failure as failure:
            job.finish("Failed", "Failed", "Training job failed", str(failure))
        except (ChannelError, ImageError) as error:
            job.finish("Failed", "Failed", "Training job failed", str(error))
        except ServiceError as error:
            job.finish("Failed", "Failed", "Training job failed", f"ClientError: {error.message}")
        except ClientError as error:
            job.finish("Failed", "Failed", "Training job failed", f"ClientError: {error}")
        except Exception:
            log.exception("job %s failed inside the embedded cloud", job.name)
            job.finish("Failed", "Failed", "Training job failed", INTERNAL_REASON + " (see the cloud's log)")

    def _run_attempts(self) -> None:
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
        preferences = [entry["InstanceType"] for entry in job.resources.get("InstancePreferences", [])]
        give_up = None if job.is_spot else clock.seconds() + current.capacity_wait_seconds
        told = False
        while True:
            self._check()
            for choice in preferences or [None]:
                job.chosen_instance_type = choice
                taken = None if job.is_spot and SPOT_CAPACITY.value != SPOT_CAPACITY.fair else warm_pools.take(job)
                if taken is not None:
                    if job.secondary_status != "Starting":
                        job.move("Starting", "Starting the training job")
                    return taken
            if give_up is not None and clock.seconds() >= give_up:
                raise _Failure(_CAPACITY_REASON)
            if not told:
                job.move(
                    job.secondary_status,
                    "Starting the training job: Insufficient capacity error from EC2 while launching instances, "
                    "retrying!",
                )
                told = True
            with self._waiting():
                capacity.wait_for_change(_LOOK_SECONDS)

    def _check(self) -> None:
        """Raise if the job is to end before its nodes run."""
        while self._early is None and not self._inbox.empty():
            item = self._inbox.get_nowait()
            if isinstance(item, Order):
                self._early = item
        if self._early is not None and self._early.reason == "stopped":
            raise _Halt("stopped")
        if self._wait_left is not None and self._wait_left <= 0:
            raise _Halt("max_wait")

    def _pause(self, seconds: float) -> None:
        until = clock.seconds() + seconds
        while (left := until - clock.seconds()) > 0:
            self._check()
            with self._waiting():
                time.sleep(min(clock.real(left), _LOOK_SECONDS))

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
        with AttemptRun(job, self._container, self._engine, self._inbox) as run:
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
        run.settle(last_checkpoints=not lost and LAST_SYNC.value == LAST_SYNC.fair)
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
            self._finish_stopped(ending.reason)

    def _finish_stopped(self, reason: Reason) -> None:
        secondary, message = {
            "max_runtime": ("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"),
            "max_wait": ("MaxWaitTimeExceeded", "Training job waiting time exceeded MaxWaitTimeInSeconds provided"),
        }.get(reason, ("Stopped", "Training job stopped"))
        self.job.finish("Stopped", secondary, message)


def _failure_reason(run: AttemptRun, ending: Ending) -> str:
    if ending.reason in ("hardware", "repaired"):
        return INTERNAL_REASON
    host = ending.first_failed
    assert host is not None
    return f"AlgorithmError: {outputs.failure_text(run.ml[host])}, exit code: {ending.codes[host]}"
