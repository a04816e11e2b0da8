"""The cluster: which node is which, what it has, and the daemons of Spark's standalone mode that run on it."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.paths import base_folder
from contract.variables import CPUS
from training.launcher.hosts import known_addresses, natural_order, wait_for_hosts, wait_seconds
from training.spark.failure import SparkError

MASTER_PORT = 7077
_MASTER_UI_PORT = 8080
_POLL_SECONDS = 0.1
_FOR_SPARK = 0.75
"""The part of a node's memory that executors may have; the rest is for Python, the daemons and the page cache."""
_LEAST_MEMORY_MB = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """All nodes, and this one among them."""

    hosts: tuple[str, ...]
    """The primary first."""
    current: str
    addresses: Mapping[str, str]

    @property
    def primary(self) -> str:
        return self.hosts[0]

    @property
    def is_primary(self) -> bool:
        return self.current == self.primary

    @property
    def master(self) -> str:
        """What programs connect to."""
        return f"spark://{self.addresses[self.primary]}:{MASTER_PORT}"

    @property
    def address(self) -> str:
        return self.addresses[self.current]


def find() -> Cluster:
    """Read who takes part, and wait until every name resolves."""
    path = base_folder() / "config" / "resourceconfig.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        hosts, current = natural_order(config["hosts"]), str(config["current_host"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SparkError(f"{path} does not say who takes part ({error}): this runs in processing jobs") from None
    addresses = wait_for_hosts(hosts, limit_seconds=wait_seconds(), known=known_addresses())
    return Cluster(hosts=hosts, current=current, addresses=addresses)


def stands_in() -> bool:
    """Whether the job asked for AWS's own image, which cannot be had where this one runs for it."""
    path = base_folder() / "config" / "processingjobconfig.json"
    try:
        image = json.loads(path.read_text(encoding="utf-8"))["AppSpecification"]["ImageUri"]
    except (OSError, ValueError, KeyError, TypeError):  # who takes part is asked for later, with its own sentence
        return False
    return "/sagemaker-spark-processing:" in str(image)


def cores() -> int:
    """The processors of this node, or its share of them where several nodes have one machine."""
    share = os.environ.get(CPUS)
    return int(share) if share is not None else len(os.sched_getaffinity(0))


def memory_mb() -> int:
    """What executors on this node may use."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    processors = os.cpu_count()
    share = cores() / processors if CPUS in os.environ and processors else 1.0
    return max(_LEAST_MEMORY_MB, int(whole * share * _FOR_SPARK))


def home() -> Path:
    """Where Spark lies: in the package pyspark."""
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise SparkError("the image has no pyspark: put it into its requirements")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise SparkError("Spark needs a Java runtime, and there is no java here (Debian: default-jre-headless)")
    return Path(next(iter(found.submodule_search_locations)))


def environment(cluster: Cluster, own: Mapping[str, str]) -> dict[str, str]:
    """The variables of everything of Spark's that runs on this node."""
    return {
        **os.environ,
        "SPARK_HOME": str(home()),
        "SPARK_LOCAL_IP": cluster.address,
        "SPARK_DAEMON_MEMORY": "512m",
        # the daemons do little: a quick start is worth more to them than compiled code
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **own,
    }


def start_master(cluster: Cluster, variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start the cluster's master on this node."""
    words = ["--host", cluster.address, "--port", str(MASTER_PORT), "--webui-port", str(_MASTER_UI_PORT)]
    return _daemon("org.apache.spark.deploy.master.Master", words, variables)


def start_worker(cluster: Cluster, variables: Mapping[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    """Start this node's worker; its executors write their logs below `folder`."""
    words = ["--host", cluster.address, "--cores", str(cores()), "--memory", f"{memory_mb()}m"]
    words += ["--work-dir", str(folder), cluster.master]
    return _daemon("org.apache.spark.deploy.worker.Worker", words, variables)


def _daemon(name: str, words: Sequence[str], variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    command = [str(home() / "bin" / "spark-class"), name, *words]
    return subprocess.Popen(command, env=dict(variables), stdin=subprocess.DEVNULL)


def wait_for_workers(cluster: Cluster, daemons: Sequence["subprocess.Popen[bytes]"], limit_seconds: float) -> None:
    """Wait until the master has a worker of each node."""
    until = time.monotonic() + limit_seconds
    wanted = len(cluster.hosts)
    alive = 0
    while alive < wanted:
        for daemon in daemons:
            if daemon.poll() is not None:
                raise SparkError(f"a daemon of Spark ended with {daemon.returncode} before the cluster was complete")
        if time.monotonic() > until:
            raise SparkError(f"only {alive} of {wanted} workers came within {limit_seconds:.0f} s")
        time.sleep(_POLL_SECONDS)
        alive = int(_state(cluster).get("aliveworkers", 0))


def _state(cluster: Cluster) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://{cluster.address}:{_MASTER_UI_PORT}/json/", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (urllib.error.URLError, OSError, ValueError):  # it has only just begun to run
        return {}
