"""Runs an AutoML job: a search for candidates by a tuning job, then a training job that stacks them."""

import logging
import secrets
import threading

from embedded import clock
from embedded.operations import Call, ServiceError
from embedded.services.sagemaker.automl.job import AutoMLJob
from embedded.services.sagemaker.automl.request import limits, stacking_request, tuning_request
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.training.operations import launch, stop_training_job
from embedded.services.sagemaker.tuning.operations import create_tuning_job, find_job, stop_tuning_job

_LOOK_SECONDS = 0.2
_LONGEST_NAME = 32
_INTERNAL_REASON = "InternalServerError: We encountered an internal error. Please try again. (see the cloud's log)"

log = logging.getLogger(__name__)


class Run(threading.Thread):
    """Runs one AutoML job."""

    def __init__(self, job: AutoMLJob) -> None:
        super().__init__(name=f"automl {job.name}", daemon=True)
        self._job = job
        self._call = Call(account=job.account, region=job.region, principal=job.arn)
        self._began = clock.seconds()

    def run(self) -> None:
        """Run it to its end; whatever goes wrong on the way becomes the FailureReason."""
        job = self._job
        try:
            self._search()
            if job.status != "Stopping":
                self._stack()
            if job.status == "Stopping":
                job.finish("Stopped", "Stopped")
        except ServiceError as error:
            job.finish("Failed", "Failed", f"ClientError: {error.message}")
        except Exception:
            log.exception("AutoML job %s failed inside the embedded cloud", job.name)
            job.finish("Failed", "Failed", _INTERNAL_REASON)

    def _search(self) -> None:
        job = self._job
        # the name of a tuning job is shorter than that of an AutoML job may be, and must be nobody else's
        name = f"{job.name[: _LONGEST_NAME - 9].rstrip('-')}-{secrets.token_hex(4)}"
        create_tuning_job(self._call, tuning_request(job.request, name))
        job.tuning = find_job(self._call, name)
        job.move("ModelTuning")
        while job.tuning.status not in TERMINAL:
            if (job.status == "Stopping" or self._is_late()) and job.tuning.status == "InProgress":
                stop_tuning_job(self._call, {"HyperParameterTuningJobName": name})
            clock.sleep(clock.rate() * _LOOK_SECONDS)
        if job.tuning.status == "Failed":
            reason = job.tuning.failure_reason or ""
            raise ServiceError("ValidationException", f"no candidate could be trained: {reason}")

    def _stack(self) -> None:
        job = self._job
        assert job.tuning is not None
        job.move("TrainingModels")
        name = f"{job.tuning.name}-stack"
        job.stack = launch(self._call, stacking_request(job.request, job.tuning.name, name))
        stopped = False
        while job.stack.status not in TERMINAL:
            if job.status == "Stopping" and not stopped:
                stop_training_job(self._call, {"TrainingJobName": name})
                stopped = True
            clock.sleep(clock.rate() * _LOOK_SECONDS)
        if job.status == "Stopping":
            return
        if job.stack.status != "Completed":
            raise ServiceError("ValidationException", f"training job {name}: {job.stack.failure_reason}")
        job.finish("Completed", "MaxAutoMLJobRuntimeReached" if self._is_late() else "Completed")

    def _is_late(self) -> bool:
        most = limits(self._job.request).get("MaxAutoMLJobRuntimeInSeconds")
        return most is not None and clock.seconds() - self._began >= most
