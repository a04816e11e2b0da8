"""One instance of a transform job: the model's container, and the requests that its share of the objects makes."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from embedded import clock
from embedded.nodes.engine import Engine
from embedded.nodes.logs import LogStream
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.jobs.metrics import Meter
from embedded.services.sagemaker.serving.containers.container import START_SECONDS, ContainerSpec, ModelContainer
from embedded.services.sagemaker.serving.containers.http import NoAnswer, TooLate
from embedded.services.sagemaker.transform.job import TransformJob
from embedded.services.sagemaker.transform.parameters import Parameters, variables
from embedded.settings import current
from shardyard.spec.transform.errors import TransformError

DEFAULT_TIMEOUT_SECONDS = 600
DEFAULT_RETRIES = 3
_SHORTEST_START_SECONDS = 30.0
"""A program starts no faster on a fast clock."""


class Refused(Exception):
    """The container did not do what a request asked; `is_ours` if the record was at fault."""

    def __init__(self, message: str, *, is_ours: bool) -> None:
        super().__init__(message)
        self.is_ours = is_ours


class Instance:
    """One instance."""

    def __init__(self, job: TransformJob, engine: Engine) -> None:
        self._job = job
        self.id = f"i-{secrets.token_hex(9)[:17]}"
        stream = f"{job.name}/{self.id}-{int(time.time() * 1000)}"
        definition = {
            **job.container,
            "Environment": {**job.container.get("Environment", {}), **job.request.get("Environment", {})},
        }
        spec = ContainerSpec(
            definition=definition,
            role_arn=job.role_arn,
            region=job.region,
            log_group=job.kind.log_group,
            log_stream=stream,
            is_isolated=job.is_isolated,
            variables=variables(job.request),
        )
        self.container = ModelContainer(spec, engine)
        self._meter: Meter | None = None
        self._halted = threading.Event()
        output, self._line = os.pipe()
        logs = self._client("logs")
        self._data_log = LogStream(logs, job.kind.log_group, f"{stream}/data-log", output, lambda line, moment: None)
        self._data_log.start()

    def _client(self, service: str) -> Any:
        return execution_role.client(self._job.role_arn, service, self._job.region)

    def start(self, check: Callable[[], None]) -> None:
        """Start the container and wait until it is well; `NotWell` says why it is not, and `check` may raise."""
        self.container.start()
        program = self.container.program
        self._meter = Meter(
            self._client("cloudwatch"),
            self._job,
            None,
            {} if program is None else {self.id: program},
            {self.id: self.container.folder},
            current.metric_seconds,
        )
        self._meter.start()
        seconds = max(clock.real(START_SECONDS), _SHORTEST_START_SECONDS)
        self.container.wait_until_well(seconds, check=check)

    def say(self, text: str) -> None:
        """A line of the data log, as the service's agent writes it."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        for line in text.split("\n"):
            os.write(self._line, f"{stamp}:[sagemaker logs]: {line}\n".encode())

    def work(self, parameters: Parameters, tasks: Mapping[str, Callable[["Ask"], None]]) -> dict[str, Exception]:
        """Do every task, as many requests at a time as the parameters say; returns what failed, by task."""
        self.say(parameters.said)
        failed: dict[str, Exception] = {}
        with ThreadPoolExecutor(parameters.concurrent) as requests, ThreadPoolExecutor(parameters.concurrent) as many:

            def one(name: str) -> None:
                if self._halted.is_set():
                    return
                try:
                    tasks[name](lambda bodies: list(requests.map(self._ask, bodies)))
                except (Refused, TransformError) as error:
                    failed[name] = error
                    self.say("\n".join(f"{name}: {line}" for line in str(error).split("\n")))

            for _ in many.map(one, tasks):
                pass
        return failed

    def _ask(self, body: bytes) -> bytes:
        """Send one body, again where that may help: the container failed, or gave no answer in time."""
        config = self._job.request.get("ModelClientConfig", {})
        seconds = float(config.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS))
        headers = {
            "Content-Type": self._job.request["TransformInput"].get("ContentType", ""),
            "Accept": self._job.request["TransformOutput"].get("Accept", ""),
        }
        given = {name: value for name, value in headers.items() if value}
        said = Refused("Unable to get response from algorithm", is_ours=False)
        for _ in range(1 + config.get("InvocationsMaxRetries", DEFAULT_RETRIES)):
            if self._halted.is_set():
                raise said
            try:
                answer = self.container.post(body, given, seconds=seconds)
            except TooLate:
                said = Refused(f"Unable to get response from algorithm within {seconds:g} seconds", is_ours=False)
                continue
            except NoAnswer:
                said = Refused("Unable to get response from algorithm", is_ours=False)
                continue
            if answer.status < 400:
                return answer.body
            said = _refusal(answer.status, answer.body)
            if said.is_ours:
                break
        raise said

    def halt(self) -> None:
        """Send nothing more."""
        self._halted.set()

    def kill(self) -> None:
        """A fault: the container is killed."""
        self.container.signal(9)

    def stop(self, grace_seconds: float | None = None) -> None:
        """End the container and its logs."""
        self._halted.set()
        if self._meter is not None:
            self._meter.stop()
        self.container.stop(grace_seconds)
        if self._meter is not None:
            self._meter.join()
        os.close(self._line)
        self._data_log.join()


Ask = Callable[[list[bytes]], list[bytes]]
"""Sends bodies to the container, several at a time, and returns the answers in the same order."""


def _refusal(status: int, body: bytes) -> Refused:
    said = body.decode(errors="replace")
    if status < 500:
        return Refused(f"ClientError: {status}\n\nMessage:\n{said}", is_ours=True)
    return Refused(f"Bad HTTP status received from algorithm: {status}\n\nMessage:\n{said}", is_ours=False)
