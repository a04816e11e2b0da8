"""What the instances of endpoints use, published every few seconds; a serverless one that uses too much is ended."""

import logging
import shutil
import threading
import time
import weakref
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from embedded.bus import metrics
from embedded.nodes.cell.processes import parents
from embedded.services.sagemaker.jobs.host_usage import HostUsage, proportional_bytes
from embedded.services.sagemaker.jobs.metrics import gpu_utilization
from embedded.services.sagemaker.serving.containers.container import ModelContainer
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.settings import current

NAMESPACE = "/aws/sagemaker/Endpoints"
log = logging.getLogger(__name__)
_usage: weakref.WeakKeyDictionary[ModelContainer, HostUsage] = weakref.WeakKeyDictionary()


def look() -> None:
    """Measure every instance once, and publish it by account and region."""
    data: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    tree, gpu = parents(), gpu_utilization()
    for endpoint in store.everywhere():
        for _, generation in endpoint.routes:
            for fleet in generation.everyone().values():
                for member in fleet.members:
                    figures = _figures(endpoint, member, tree)
                    if figures:
                        data[endpoint.account, endpoint.region] += _data(endpoint, member, figures | gpu)
    for (account, region), one in data.items():
        metrics.publish(account, region, NAMESPACE, one)


def _figures(endpoint: Endpoint, member: Member, tree: dict[int, int]) -> dict[str, float]:
    """The sums over the instance's containers; nothing for one whose containers do not run."""
    cpu = memory = 0.0
    for container in member.containers.values():
        program = container.program
        used = None if program is None else _usage.setdefault(container, HostUsage()).look(program, tree)
        if used is None:
            return {}
        cpu, memory = cpu + used.cpu_percent, memory + used.memory_percent
    _limit_memory(endpoint, member, tree)
    disk = shutil.disk_usage(next(iter(member.containers.values())).folder)
    return {"CPUUtilization": cpu, "MemoryUtilization": memory, "DiskUtilization": 100.0 * disk.used / disk.total}


def _limit_memory(endpoint: Endpoint, member: Member, tree: dict[int, int]) -> None:
    """A serverless instance has so much memory and no more."""
    serverless = member.plan.serverless
    if serverless is None:
        return
    programs = [one.program for one in member.containers.values()]
    used = sum(proportional_bytes(program, tree) for program in programs if program is not None) // 2**20
    if used > serverless["MemorySizeInMB"]:
        endpoint.note(f"{member.id} uses {used} MB, more than its {serverless['MemorySizeInMB']}, and was killed")
        member.kill()


def _data(endpoint: Endpoint, member: Member, figures: dict[str, float]) -> list[dict[str, Any]]:
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint.name},
        {"Name": "VariantName", "Value": member.plan.name},
    ]
    # moto compares its times without a zone
    shared = {"Dimensions": dimensions, "Timestamp": datetime.now(UTC).replace(tzinfo=None), "Unit": "Percent"}
    return [{"MetricName": name, "Value": value, **shared} for name, value in figures.items()]


def _look_now_and_then() -> None:
    while True:
        time.sleep(current.metric_seconds)
        try:
            look()
        except Exception:
            log.exception("the instances of endpoints could not be measured")


threading.Thread(target=_look_now_and_then, name="endpoints' hosts", daemon=True).start()
