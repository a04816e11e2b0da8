"""One attempt of a job on one set of nodes: what serves them while they run, and how they are brought to an end."""

import contextlib
import queue
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from yard.cloud import clients
from yard.cloud.training import channels, checkpoints, contract, execution_role, file_systems
from yard.cloud.training.channels import Channel
from yard.cloud.training.checkpoints import CheckpointSync
from yard.cloud.training.engine import Attempt, AttemptSpec, Engine, NodeExit, NodeSpec
from yard.cloud.training.folders import remove_folder
from yard.cloud.training.job import TrainingJob
from yard.cloud.training.logs import LogStream
from yard.cloud.training.metrics import AlgorithmMetrics, Meter
from yard.cloud.training.pipes import PipeFeeder
from yard.cloud.training.settings import current
from yard.cloud.training.transfer import download

_JOIN_SECONDS_MOST = 30.0

Reason = Literal["completed", "failed", "stopped", "max_runtime", "max_wait", "interrupted", "hardware"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Something from outside that ends an attempt: StopTrainingJob, or a fault on demand."""

    reason: Reason
    """Why."""
    at_once: bool = False
    """No SIGTERM and no grace: the nodes are gone."""


@dataclass(kw_only=True, slots=True)
class Ending:
    """How an attempt ended."""

    reason: Reason = "completed"
    """Why it ended."""
    codes: dict[str, int] = field(default_factory=dict)
    """Each host's exit code."""
    first_failed: str | None = None
    """The host that failed first."""


class AttemptRun:
    """The attempt's nodes with their data, logs, metrics and checkpoints. Use as a context manager."""

    def __init__(self, job: TrainingJob, engine: Engine, inbox: "queue.Queue[NodeExit | Order]") -> None:
        self._job, self._engine, self._inbox = job, engine, inbox
        self.hosts = [f"algo-{index + 1}" for index in range(len(job.instances()))]
        root = None if current.work_root is None else str(current.work_root)
        self.folder = Path(tempfile.mkdtemp(prefix="shardyard-job-", dir=root))
        self.ml = {host: self.folder / host / "ml" for host in self.hosts}
        self._attempt: Attempt | None = None
        self._sync: CheckpointSync | None = None
        self._meter: Meter | None = None
        self._feeders: list[PipeFeeder] = []
        self._streams: list[LogStream] = []
        self._channels: list[Channel] = []

    def __enter__(self) -> "AttemptRun":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._let_go()
        finally:
            remove_folder(self.folder)

    def client(self, service: str) -> Any:
        """A client in the name of the job's role."""
        return execution_role.client(self._job.request["RoleArn"], service, self._job.region)

    def fetch(self, check: Callable[[], None]) -> None:
        """Bring the data and the checkpoints onto the nodes; `check` is called now and then and may raise."""
        s3 = self.client("s3")
        interface = self._engine.network_interface()
        for host in self.hosts:
            contract.write(self.ml[host], self._job, self.hosts, host, interface)
        self._channels = channels.resolve(s3, self._job, self.hosts)
        for channel in self._channels:
            check()
            if channel.mode != "Pipe":
                self._copy_channel(s3, channel)
        config = self._job.request.get("CheckpointConfig")
        if config is not None:
            check()
            folders = [checkpoints.local_folder(self.ml[host], config) for host in self.hosts]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            checkpoints.restore(s3, config, folders)

    def _copy_channel(self, s3: Any, channel: Channel) -> None:
        for host, items in channel.items.items():
            target = self.ml[host] / "input" / "data" / channel.name
            target.mkdir(parents=True, exist_ok=True)
            for item in items:
                download(s3, item.bucket, item.object, target / item.name)

    def start(self) -> None:
        """Start the nodes, and everything that watches and serves them."""
        job = self._job
        isolated = bool(job.request.get("EnableNetworkIsolation"))
        port = urlsplit(clients.endpoint()).port
        endpoint = None if isolated else f"http://{self._engine.cloud_host()}:{port}"
        variables = contract.environment(job, endpoint, execution_role.variables(job.request["RoleArn"], job.region))
        algorithm = job.request["AlgorithmSpecification"]
        for channel in self._channels:
            if channel.mode == "Pipe":
                self._feeders += [
                    PipeFeeder(self.client("s3"), channel, host, self.ml[host] / "input" / "data")
                    for host in channel.items
                ]
        mounts = file_systems.mounts(job, self.hosts)
        spec = AttemptSpec(
            folder=self.folder,
            image=algorithm["TrainingImage"],
            entrypoint=algorithm.get("ContainerEntrypoint"),
            arguments=algorithm.get("ContainerArguments"),
            nodes=[
                NodeSpec(host=host, folder=self.folder / host, environment=variables, mounts=mounts[host])
                for host in self.hosts
            ],
            cloud_port=None if isolated else port,
        )
        self._attempt = self._engine.start(spec)
        self._watch(self._attempt)

    def _watch(self, attempt: Attempt) -> None:
        job = self._job
        metrics = AlgorithmMetrics(job)
        logs_client = self.client("logs")
        stamp = int(time.time() * 1000)
        for host, output in attempt.outputs.items():
            self._streams.append(LogStream(logs_client, f"{job.name}/{host}-{stamp}", output, metrics.read))
        config = job.request.get("CheckpointConfig")
        if config is not None:
            folders = [checkpoints.local_folder(ml, config) for ml in self.ml.values()]
            self._sync = CheckpointSync(self.client("s3"), config, folders, current.checkpoint_seconds)
        self._meter = Meter(self.client("cloudwatch"), job, metrics, attempt.programs, self.ml, current.metric_seconds)
        for thread in (*self._streams, *self._feeders, self._meter):
            thread.start()
        if self._sync is not None:
            self._sync.start()
        threading.Thread(target=self._pass_exits, args=(attempt,), name=f"exits {job.name}", daemon=True).start()

    def _pass_exits(self, attempt: Attempt) -> None:
        for node_exit in attempt.exits():
            self._inbox.put(node_exit)

    def signal(self, number: int, host: str | None = None) -> None:
        """Send a signal to one node or to all."""
        if self._attempt is not None:
            self._attempt.signal(number, host)

    def wait(self, seconds_left: Mapping[Reason, float]) -> Ending:
        """Wait until all nodes have ended; bring them to an end on a failure, an order or a limit.

        `seconds_left` says for each limit how much of it is left.
        """
        ending = Ending()
        limits = sorted((time.monotonic() + seconds, reason) for reason, seconds in seconds_left.items())
        kill_at: float | None = None
        while len(ending.codes) < len(self.hosts):
            due = kill_at if ending.reason != "completed" else (limits[0][0] if limits else None)
            timeout = None if due is None else max(0.0, due - time.monotonic())
            try:
                item = self._inbox.get(timeout=timeout)
            except queue.Empty:
                if ending.reason != "completed":
                    self.signal(signal.SIGKILL)
                    kill_at = None
                    continue
                item = Order(reason=limits[0][1])
            if isinstance(item, NodeExit):
                ending.codes[item.host] = item.code
                if item.code == 0 or ending.reason != "completed":
                    continue
                ending.first_failed = item.host
                item = Order(reason="failed")
            elif ending.reason != "completed":
                continue
            ending.reason = item.reason
            self._note(item.reason)
            self.signal(signal.SIGKILL if item.at_once else signal.SIGTERM)
            kill_at = time.monotonic() + current.stop_grace_seconds
        return ending

    def _note(self, reason: Reason) -> None:
        messages = {
            "stopped": "Stopping the training job",
            "max_runtime": "The job has used up MaxRuntimeInSeconds; stopping it",
            "max_wait": "The job has used up MaxWaitTimeInSeconds; stopping it",
        }
        if reason in messages:
            self._job.move("Stopping", messages[reason], status="Stopping")

    def settle(self, *, last_checkpoints: bool) -> None:
        """After the last node has ended: the rest of the logs, metrics and checkpoints."""
        self._let_go(last_checkpoints=last_checkpoints)
        if self._sync is not None and self._sync.error is not None:
            raise self._sync.error
        for feeder in self._feeders:
            if feeder.error is not None:
                raise feeder.error

    def _let_go(self, *, last_checkpoints: bool = False) -> None:
        if self._attempt is None:
            return
        attempt, self._attempt = self._attempt, None
        with contextlib.suppress(OSError):
            attempt.close()
        for feeder in self._feeders:
            feeder.stop()
        for stream in self._streams:
            stream.join(_JOIN_SECONDS_MOST)
        if self._sync is not None:
            self._sync.stop(last_look=last_checkpoints)
            self._sync.join()
        if self._meter is not None:
            self._meter.stop()
            self._meter.join(_JOIN_SECONDS_MOST)
        for feeder in self._feeders:
            feeder.join(_JOIN_SECONDS_MOST)
