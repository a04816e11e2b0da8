"""A job's metrics: those that its log lines contain, and each node's processor, memory and disk."""

import logging
import math
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes.cell.processes import parents
from embedded.services.sagemaker.jobs.host_usage import HostUsage
from embedded.services.sagemaker.jobs.job import Job

_DATA_MOST = 500

log = logging.getLogger(__name__)

Record = Callable[[str, float, datetime], None]
"""Keeps the latest value of a metric."""


class AlgorithmMetrics:
    """Finds the metrics that the MetricDefinitions describe in the log lines of all nodes."""

    def __init__(self, job: Job, definitions: Sequence[Mapping[str, str]], record: Record) -> None:
        self._definitions = [(entry["Name"], re.compile(entry["Regex"])) for entry in definitions]
        self._job, self._record = job, record
        self._data: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def read(self, line: str, moment: float) -> None:
        """Find metrics in one line."""
        for name, regex in self._definitions:
            for match in regex.finditer(line):
                try:
                    value = float(match[1] if regex.groups else match[0])
                except (TypeError, ValueError):
                    continue
                if not math.isfinite(value):
                    # CloudWatch takes neither NaN nor infinity
                    continue
                when = datetime.fromtimestamp(moment, UTC)
                self._record(name, value, when)
                with self._lock:
                    self._data.append({"MetricName": name, "Value": value, "Timestamp": when})

    def take(self) -> list[dict[str, Any]]:
        """What was found since the last call, as PutMetricData takes it."""
        with self._lock:
            data, self._data = self._data, []
        dimensions = [{"Name": self._job.kind.name_field, "Value": self._job.name}]
        return [{**datum, "Dimensions": dimensions} for datum in data]


class Meter(threading.Thread):
    """Publishes a job's metrics every few seconds until it is told to stop; then once more."""

    def __init__(
        self,
        client: Any,
        job: Job,
        algorithm: AlgorithmMetrics | None,
        programs: Mapping[str, int],
        folders: Mapping[str, Path],
        period_seconds: float,
    ) -> None:
        super().__init__(name=f"metrics {job.name}", daemon=True)
        self._client, self._job, self._algorithm = client, job, algorithm
        self._programs, self._folders, self._period_seconds = programs, folders, period_seconds
        self._usage = {host: HostUsage() for host in programs}
        self._stopping = threading.Event()
        self._works = True

    def run(self) -> None:
        """Publish until `stop`."""
        # the first figures come early, so that a short job has some too
        self._stopping.wait(min(0.5, self._period_seconds))
        while True:
            last = self._stopping.is_set()
            found = [] if self._algorithm is None else self._algorithm.take()
            self._publish(found + self._host_metrics())
            if last:
                return
            self._stopping.wait(self._period_seconds)

    def stop(self) -> None:
        """Publish what is left, and end."""
        self._stopping.set()

    def _host_metrics(self) -> list[dict[str, Any]]:
        tree = parents()
        gpu = gpu_utilization()
        moment = datetime.now(UTC)
        data = []
        for host, program in self._programs.items():
            used = self._usage[host].look(program, tree)
            if used is None:
                continue
            figures = {"CPUUtilization": used.cpu_percent, "MemoryUtilization": used.memory_percent} | gpu
            usage = shutil.disk_usage(self._folders[host])
            figures["DiskUtilization"] = 100.0 * usage.used / usage.total
            dimensions = [{"Name": "Host", "Value": f"{self._job.name}/{host}"}]
            data += [
                {"MetricName": name, "Value": value, "Unit": "Percent", "Timestamp": moment, "Dimensions": dimensions}
                for name, value in figures.items()
            ]
        return data

    def _publish(self, data: list[dict[str, Any]]) -> None:
        for start in range(0, len(data), _DATA_MOST):
            if not self._works:
                return
            try:
                self._client.put_metric_data(
                    Namespace=self._job.kind.log_group, MetricData=data[start : start + _DATA_MOST]
                )
            except ClientError as error:
                # as with logs: a role that may not write metrics has none, and the job goes on
                log.warning("%s: no metrics: %s", self._job.name, error)
                self._works = False
            except BotoCoreError as error:
                log.warning("%s: some metrics are lost: %s", self._job.name, error)


def gpu_utilization() -> dict[str, float]:
    """GPUUtilization and GPUMemoryUtilization, 100 for each GPU; nothing on a machine without one."""
    if shutil.which("nvidia-smi") is None:
        return {}
    query = ["nvidia-smi", "--query-gpu=utilization.gpu,utilization.memory", "--format=csv,noheader,nounits"]
    said = subprocess.run(query, capture_output=True, text=True)
    if said.returncode != 0:
        return {}
    rows = [[float(cell) for cell in line.split(",")] for line in said.stdout.splitlines()]
    return {"GPUUtilization": sum(row[0] for row in rows), "GPUMemoryUtilization": sum(row[1] for row in rows)}
