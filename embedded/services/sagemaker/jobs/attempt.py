"""One attempt of a job on one set of nodes: starts them, serves them while they run, and ends them."""

import contextlib
import signal as signals
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from embedded import clients
from embedded.nodes.engine import Attempt, AttemptSpec, Engine, Entry, NodeSpec
from embedded.nodes.folder_sync import FolderSync
from embedded.nodes.folders import remove_folder
from embedded.nodes.logs import LogStream
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.jobs import checkpoints, endings, file_systems, own_packages
from embedded.services.sagemaker.jobs.endings import Ending, Inbox, Reason
from embedded.services.sagemaker.jobs.inputs import Inputs
from embedded.services.sagemaker.jobs.job import Container, Job
from embedded.services.sagemaker.jobs.metrics import AlgorithmMetrics, Meter
from embedded.settings import current

_JOIN_SECONDS_MOST = 30.0


class AttemptRun:
    """The attempt's nodes with their data, logs, metrics and what they carry to S3. Use as a context manager."""

    def __init__(
        self,
        job: Job,
        container: Container,
        engine: Engine,
        inbox: Inbox,
        metrics: AlgorithmMetrics | None = None,
    ) -> None:
        """`metrics` looks for the job's own metrics in what the nodes print, if it has any."""
        self._job, self._container, self._engine, self._inbox = job, container, engine, inbox
        self._metrics = metrics
        self.hosts = [f"algo-{index + 1}" for index in range(len(job.instances()))]
        root = None if current.work_root is None else str(current.work_root)
        self.folder = Path(tempfile.mkdtemp(prefix="shardyard-job-", dir=root))
        self.ml = {host: self.folder / host / "ml" for host in self.hosts}
        self._attempt: Attempt | None = None
        self._syncs: list[FolderSync] = []
        self._meter: Meter | None = None
        self._inputs: Inputs | None = None
        self._streams: list[LogStream] = []

    def __enter__(self) -> "AttemptRun":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._let_go()
        finally:
            remove_folder(self.folder)

    def client(self, service: str) -> Any:
        """A client with the credentials of the job's role."""
        return execution_role.client(self._job.role_arn, service, self._job.region)

    def fetch(self, check: Callable[[], None]) -> None:
        """Bring the data and the checkpoints onto the nodes; `check` is called now and then and may raise."""
        s3 = self.client("s3")
        interface = self._engine.network_interface()
        for host in self.hosts:
            self._container.write(self.ml[host], self.hosts, host, interface)
        streams = any(channel["InputMode"] == "FastFile" for channel in self._job.channels)
        self._inputs = Inputs(s3, self._job, self.ml, can_stream=streams and self._engine.can_stream())
        self._inputs.fetch(check)
        config = self._job.checkpoints
        if config is not None:
            check()
            checkpoints.restore(s3, config, list(self.ml.values()))

    def start(self) -> None:
        """Start the nodes, and everything that watches and serves them."""
        job, container = self._job, self._container
        port = urlsplit(clients.endpoint()).port
        endpoint = None if job.is_isolated else f"http://{self._engine.cloud_host()}:{port}"
        variables = container.environment(endpoint, execution_role.variables(job.role_arn, job.region))
        mounts = file_systems.mounts(job, self.hosts)
        assert self._inputs is not None
        nodes = [
            NodeSpec(
                host=host,
                folder=self.folder / host,
                environment=variables,
                mounts=mounts[host],
                streams=self._inputs.streams(host),
            )
            for host in self.hosts
        ]
        spec = AttemptSpec(
            folder=self.folder,
            image=container.image,
            entrypoint=container.entrypoint,
            arguments=container.arguments,
            nodes=nodes,
            cloud_port=None if job.is_isolated else port,
            requirements=own_packages.find(variables, self.ml[self.hosts[0]], self.folder / "code"),
        )
        # They record what is there now, which came from S3; everything that the nodes write from here on goes to S3
        self._syncs = [
            FolderSync(self.client("s3"), one, list(self.ml.values()), current.checkpoint_seconds)
            for one in job.synced()
        ]
        self._attempt = self._engine.start(spec)
        self._inputs.serve(self._attempt.streams)
        self._watch(self._attempt)

    def _watch(self, attempt: Attempt) -> None:
        job, metrics = self._job, self._metrics
        read = _ignore if metrics is None else metrics.read
        logs_client = self.client("logs")
        stamp = int(time.time() * 1000)
        for host, output in attempt.outputs.items():
            self._streams.append(LogStream(logs_client, job.kind.log_group, f"{job.name}/{host}-{stamp}", output, read))
        self._meter = Meter(self.client("cloudwatch"), job, metrics, attempt.programs, self.ml, current.metric_seconds)
        for thread in (*self._streams, self._meter, *self._syncs):
            thread.start()
        threading.Thread(target=self._pass_exits, args=(attempt,), name=f"exits {job.name}", daemon=True).start()

    def _pass_exits(self, attempt: Attempt) -> None:
        for node_exit in attempt.exits():
            self._inbox.put(node_exit)

    def signal(self, number: int, host: str | None = None) -> None:
        """Send a signal to one node or to all."""
        if self._attempt is not None:
            self._attempt.signal(number, host)

    def entry(self, host: str) -> Entry | None:
        """The way into one node; None while it does not run."""
        running = self._attempt is not None and host in self._attempt.programs
        return self._attempt.entry(host) if self._attempt is not None and running else None

    def wait(self, limits: Mapping[Reason, float], *, first_signal: int = signals.SIGTERM) -> Ending:
        """Wait until all nodes have ended; `limits` holds the seconds left of each limit."""
        return endings.wait(
            self._inbox,
            len(self.hosts),
            limits=limits,
            grace_seconds=current.stop_grace_seconds,
            signal_all=self.signal,
            note=self._note,
            first_signal=first_signal,
        )

    def _note(self, reason: Reason) -> None:
        messages = {
            "stopped": f"Stopping the {self._job.kind.noun}",
            "max_runtime": "The job has used up MaxRuntimeInSeconds; stopping it",
            "max_wait": "The job has used up MaxWaitTimeInSeconds; stopping it",
        }
        if reason in messages:
            self._job.note_stopping(messages[reason])

    def settle(self, *, last_look: bool) -> None:
        """Send the rest of the logs and metrics after the last node has ended; with `last_look`, of all folders too."""
        errors = self._let_go(last_look=last_look)
        if errors:
            raise errors[0]

    def _let_go(self, *, last_look: bool = False) -> list[Exception]:
        """End everything that serves the nodes; returns what went wrong."""
        if self._attempt is None or self._inputs is None:
            return []
        attempt, self._attempt = self._attempt, None
        with contextlib.suppress(OSError):
            attempt.close()
        errors = list(self._inputs.stop())
        for stream in self._streams:
            stream.join(_JOIN_SECONDS_MOST)
        for sync in self._syncs:
            sync.stop(last_look=last_look)
            sync.join()
            errors += [sync.error] if sync.error is not None else []
        if self._meter is not None:
            self._meter.stop()
            self._meter.join(_JOIN_SECONDS_MOST)
        return errors


def _ignore(line: str, moment: float) -> None:
    """Look for nothing in a line."""
