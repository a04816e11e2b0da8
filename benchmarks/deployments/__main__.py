"""What an update of an endpoint costs its callers: a canary, bad models, weights, many models in little memory.

Everything happens in an embedded cloud of its own, whose clock runs sixty times as fast for the waits of deployments.
The bad models answer every request with an error; their alarm watches the new fleet alone, and the bake would end 20
seconds later.
"""

import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._report import Figure, report
from tests.support.clouds.endpoint_traffic import alarm, traffic
from tests.support.clouds.serving_cloud import ServingCloud, packed, serving_cloud, variant
from tests.support.clouds.training_cloud import BUCKET

REQUESTS = int(os.environ.get("BENCH_CANARY_REQUESTS", "5000"))
ROLLBACKS = int(os.environ.get("BENCH_ROLLBACKS", "20"))
"""In each weather."""
WEIGHTED = 3000
MODELS, ROOM, HITS = 50, 10, 400
BAKE_SECONDS = 20.0
"""Twenty minutes at the clock's rate."""
LIVE = "live"


def main() -> int:
    """Measure in a cloud of its own and report."""
    with tempfile.TemporaryDirectory() as folder, serving_cloud(Path(folder)) as cloud:
        figures = many_models(cloud) + weights(cloud)
        cloud.admin("clock", rate=60)
        cloud.serve(LIVE, cloud.simple("start", count=2))
        figures += canary(cloud)
        for weather in ("fair", "pessimistic"):
            cloud.admin("weather", preset=weather)
            figures += rollbacks(cloud, weather)
        cloud.admin("weather", preset="fair")
    notes = f"{REQUESTS} requests at least over the canary; {ROLLBACKS} bad models in each weather; {MODELS} models"
    return report("deployments", figures, notes=notes)


def policy(wait_seconds: int) -> dict[str, Any]:
    """A canary on half of the fleet."""
    half = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": wait_seconds, "CanarySize": half}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 30}}


def canary(cloud: ServingCloud) -> list[Figure]:
    """An update by a canary while clients ask."""
    cloud.simple("better", count=2)
    with traffic(cloud, LIVE) as seen:
        cloud.client("sagemaker").update_endpoint(
            EndpointName=LIVE, EndpointConfigName="better", DeploymentConfig=policy(600)
        )
        said = cloud.settled(LIVE, 120)
        while sum(seen.answers.values()) < REQUESTS:
            time.sleep(0.1)
    if said["EndpointConfigName"] != "better":
        sys.exit(f"the canary ended with {said}")
    return [
        Figure(name="canary: requests", value=sum(seen.answers.values()), unit="", at_least=REQUESTS),
        Figure(name="canary: requests that failed", value=len(seen.errors), unit="", at_most=0),
        Figure(name="canary: answers of the old model", value=seen.answers["start:1"], unit=""),
    ]


def rollbacks(cloud: ServingCloud, weather: str) -> list[Figure]:
    """Bad models, one after the other: each must leave the old one in service before its bake would end."""
    sagemaker, before = cloud.client("sagemaker"), cloud.describe_endpoint(LIVE)["EndpointConfigName"]
    back, longest, lost = 0, 0.0, 0
    for number in range(ROLLBACKS):
        bad = f"bad-{weather}-{number}"
        cloud.simple(bad, count=2, BROKEN="yes")
        with traffic(cloud, LIVE) as seen:
            began = time.monotonic()
            sagemaker.update_endpoint(
                EndpointName=LIVE,
                EndpointConfigName=bad,
                DeploymentConfig=policy(1200) | alarm(cloud, bad, LIVE, bad),
            )
            said = cloud.settled(LIVE, 60)
            longest = max(longest, time.monotonic() - began)
        back += (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", before)
        lost += sum("ModelError" not in one for one in seen.errors)
    return [
        Figure(name=f"{weather}: bad models rolled back", value=back, unit=f"of {ROLLBACKS}", at_least=ROLLBACKS),
        Figure(name=f"{weather}: the longest rollback", value=longest, unit="s", at_most=BAKE_SECONDS),
        Figure(name=f"{weather}: requests that reached no model", value=lost, unit="", at_most=0),
    ]


def weights(cloud: ServingCloud) -> list[Figure]:
    """Two variants at 7 to 3: how far the traffic is from it, in standard deviations."""
    variants = [variant(name, cloud.model(name), weight=weight) for name, weight in (("seven", 7.0), ("three", 3.0))]
    cloud.serve("weighted", cloud.config("weighted", *variants))
    seen = Counter(cloud.invoke("weighted", "1") for _ in range(WEIGHTED))
    expected, spread = 0.7 * WEIGHTED, (WEIGHTED * 0.7 * 0.3) ** 0.5
    away = abs(seen["seven:1"] - expected) / spread
    return [Figure(name="traffic by weights, away from them", value=away, unit="sigma", at_most=3)]


def many_models(cloud: ServingCloud) -> list[Figure]:
    """50 models in the memory for 10: all answer, and one that is in memory answers as fast as a single model."""
    image = cloud.server("many", labels="com.amazonaws.sagemaker.capabilities.multi-models=true")
    for number in range(MODELS):
        cloud.put(f"many/{number}.tar.gz", packed({"answer.txt": f"model {number}"}))
    container = {
        "Image": image,
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://{BUCKET}/many/",
        "Environment": {"MODELS_MOST": str(ROOM)},
    }
    cloud.client("sagemaker").create_model(ModelName="many", ExecutionRoleArn=cloud.role, Containers=[container])
    cloud.serve("many", cloud.config("many", variant("main", "many")))
    cloud.serve("single", cloud.simple("single"))

    def ask(number: int) -> bool:
        return cloud.invoke("many", "x", TargetModel=f"{number}.tar.gz") == f"model {number}"

    order = [*range(MODELS), *(random.Random(19).randrange(MODELS) for _ in range(5 * MODELS))]
    wrong = sum(not ask(number) for number in order)
    hits, alone = in_turns(lambda turn: ask(turn % ROOM), lambda turn: cloud.invoke("single", "x"))
    return [
        Figure(name=f"{MODELS} models in memory for {ROOM}: not answered", value=wrong, unit="", at_most=0),
        Figure(name="one in memory / a single model, 99th percentile", value=hits / alone, unit="ratio", at_most=1.2),
    ]


def in_turns(*calls: Callable[[int], object]) -> list[float]:
    """The 99th percentile of each call's seconds."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(-ROOM, HITS):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call(turn)
            if turn >= 0:  # those before put the models into memory
                times.append(time.perf_counter() - began)
    return [sorted(times)[int(0.99 * len(times))] for times in taken]


if __name__ == "__main__":
    sys.exit(main())
