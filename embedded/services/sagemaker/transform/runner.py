"""Runs a transform job to its end: capacity, instances, requests, results."""

import contextlib
import itertools
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from embedded.nodes.engine import Engine, Entry
from embedded.nodes.folders import remove_folder
from embedded.nodes.image_pull import check_registered
from embedded.nodes.locations import Location
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.endings import Order, Reason
from embedded.services.sagemaker.jobs.running.capacity_wait import wait_for_capacity
from embedded.services.sagemaker.jobs.running.failures import INTERNAL_REASON, JobFailure
from embedded.services.sagemaker.jobs.running.runner import JobRunner
from embedded.services.sagemaker.serving.containers.container import NotWell
from embedded.services.sagemaker.serving.containers.http import NoAnswer
from embedded.services.sagemaker.transform import objects
from embedded.services.sagemaker.transform.capture import Capture
from embedded.services.sagemaker.transform.instance import Ask, Instance, Refused
from embedded.services.sagemaker.transform.job import TransformJob
from embedded.services.sagemaker.transform.parameters import Parameters, own_parameters
from embedded.settings import current
from shardyard.spec.transform.plan import Plan, output_key

_LOOK_SECONDS = 0.1
_SEE_LOGS = "See job logs for more information"


class Runner(JobRunner[TransformJob]):
    """Runs one transform job."""

    def __init__(self, job: TransformJob, engine: Engine) -> None:
        super().__init__(job, engine)
        self._instances: list[Instance] = []
        root = None if current.work_root is None else str(current.work_root)
        self._results = Path(tempfile.mkdtemp(prefix="shardyard-transform-", dir=root))
        self._written: dict[objects.Source, Path] = {}
        self._capture: Capture | None = None
        # one step of the interpreter for each number: several objects are transformed at the same time
        self._numbers = itertools.count()

    @property
    def folder(self) -> Path | None:
        """Where results lie until the job's end."""
        return self._results

    def stop(self) -> None:
        """Stop the job, as StopTransformJob does."""
        self.order(Order(reason="stopped"))

    def kill(self, host: str | None) -> None:
        """Kill the container of one instance, or of all."""
        for one in self._instances:
            if host in (None, one.id):
                one.kill()

    def hosts(self) -> list[str]:
        """The instances that run now."""
        return [one.id for one in self._instances]

    def entry(self, host: str) -> Entry | None:
        """SageMaker lets nobody into an instance that transforms."""
        return None

    def run(self) -> None:
        """Run the job to its end; its results lie nowhere but in S3 then."""
        try:
            super().run()
        finally:
            remove_folder(self._results)

    def _work(self) -> None:
        check_registered(self.job.container["Image"], self.job.account)
        taken = wait_for_capacity(
            self._take,
            seconds_most=current.capacity_wait_seconds,
            check=self._check,
            note=lambda: None,
            waiting=contextlib.nullcontext,
        )
        try:
            reason = self._transform()
        finally:
            capacity.give_back(taken)
        # now that its instances are free: whoever waits for this job's end may start another on them
        self.job.finish("Completed" if reason is None else "Failed", failure_reason=reason)

    def _take(self) -> dict[str, int] | None:
        wanted = capacity.count_by_type(self.job)
        return wanted if capacity.take(wanted) else None

    def _transform(self) -> str | None:
        """Transform every object; returns why the job failed. A job that is stopped leaves nothing in S3."""
        self.job.start()
        assert self.job.started is not None
        self._capture = Capture.of(self.job.request, self.job.started)
        s3 = execution_role.client(self.job.role_arn, "s3", self.job.region)
        sources = objects.listed(s3, self.job.request["TransformInput"]["DataSource"]["S3DataSource"])
        shares = objects.dealt(sources, len(self.job.instances()))
        failed: dict[str, Exception] = {}
        try:
            self._instances = [Instance(self.job, self._engine) for _ in shares]
            try:
                self._together([partial(one.start, self._check_all) for one in self._instances])
            except NotWell as error:
                lines = self._last_lines()
                raise JobFailure(f"AlgorithmError: {error} Its last lines were: {lines}"[:1024]) from error
            pairs = zip(self._instances, shares, strict=True)
            self._together([partial(self._share, s3, one, share, failed) for one, share in pairs])
        finally:
            for one in self._instances:
                one.stop()
            self._instances = []
        self._upload(s3)
        if not failed:
            return None
        ours = all(not isinstance(error, Refused) or error.is_ours for error in failed.values())
        return f"{'ClientError' if ours else 'AlgorithmError'}: {_SEE_LOGS}"

    def _share(self, s3: Any, instance: Instance, share: list[objects.Source], failed: dict[str, Exception]) -> None:
        """Transform the objects of one instance; what fails is added to `failed`."""
        own: dict[str, Any] = {}
        with contextlib.suppress(NoAnswer):
            own = own_parameters(instance.container.get("/execution-parameters"))
        parameters = Parameters.of(self.job.request, own)
        plan = Plan.of(self.job.request, parameters.strategy, parameters.payload_mb)
        tasks = {f"{one.bucket}/{one.key}": self._task(s3, one, plan) for one in share}
        failed.update(instance.work(parameters, tasks))

    def _task(self, s3: Any, source: objects.Source, plan: Plan) -> Callable[[Ask], None]:
        compression = self.job.request["TransformInput"].get("CompressionType", "None")

        def transform(ask: Ask) -> None:
            payloads = list(plan.payloads(objects.read(s3, source, compression)))
            answers = ask([payload.body for payload in payloads])
            results = [plan.result(payload, said) for payload, said in zip(payloads, answers, strict=True)]
            if self._capture is not None:
                results = [self._capture.identified(one, plan.written) for one in results]
            place = self._results / str(next(self._numbers))
            place.write_bytes(b"".join(results))
            self._written[source] = place

        return transform

    def _upload(self, s3: Any) -> None:
        output = self.job.request["TransformOutput"]
        target, sealed = Location.parse(output["S3OutputPath"]), _encryption(output.get("KmsKeyId", ""))
        for source, place in self._written.items():
            name = output_key(target.key, source.below, source.key)
            with _told(name, target):
                s3.upload_file(str(place), target.bucket, name, ExtraArgs=sealed)
        if self._capture is not None:
            kept, sealed = self._capture.target, _encryption(self._capture.key)
            sources = sorted(self._written, key=lambda one: one.key)
            for name, body in self._capture.manifests(sources, output["S3OutputPath"]).items():
                with _told(name, kept):
                    s3.put_object(Bucket=kept.bucket, Key=name, Body=body, **sealed)

    def _together(self, work: Sequence[Callable[[], Any]]) -> None:
        """Do all of it at the same time; the first error ends the rest, and so does an order from outside."""
        errors: list[BaseException] = []

        def guarded(one: Callable[[], Any]) -> None:
            try:
                one()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(one,), daemon=True) for one in work]
        for thread in threads:
            thread.start()
        try:
            while alive := [thread for thread in threads if thread.is_alive()]:
                self._check_all()
                if errors:
                    break
                alive[0].join(_LOOK_SECONDS)
            if errors:
                raise errors[0]
        except BaseException:
            # none may go on by the time that the instances and their logs are closed
            for instance in self._instances:
                instance.halt()
                instance.kill()
            for thread in threads:
                thread.join()
            raise

    def _check_all(self) -> None:
        self._check()
        if self._early is not None:
            raise JobFailure(INTERNAL_REASON)

    def _last_lines(self) -> str:
        said = [one.container.last_lines() for one in self._instances]
        return next((lines for lines in said if lines), "none")

    def _end_stopped(self, reason: Reason) -> None:
        self.job.finish("Stopped")

    def _end_failed(self, reason: str) -> None:
        self.job.finish("Failed", failure_reason=reason)


def _encryption(key: str) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}


@contextlib.contextmanager
def _told(name: str, target: Location) -> Iterator[None]:
    """What cannot be written fails the job, and its reason says where."""
    try:
        yield
    except Exception as error:
        raise JobFailure(f"ClientError: {name} cannot be written to {target.bucket}: {error}") from error
