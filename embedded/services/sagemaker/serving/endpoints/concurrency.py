"""How many requests each instance of an endpoint has under way, published every ten seconds of the cloud's clock.

SageMaker's metric of high resolution: a stream counts until its last token, and so does what waits in the container.
"""

import logging
import threading
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from embedded import clock
from embedded.bus import metrics
from embedded.services.sagemaker.serving.endpoints import store

EVERY_SECONDS = 10.0
_NAMESPACE = "AWS/SageMaker"
_METRIC = "ConcurrentRequestsPerModel"
log = logging.getLogger(__name__)


def look() -> None:
    """Publish what every instance that can be asked has under way now."""
    data: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    # moto compares its times without a zone
    stamp = datetime.now(UTC).replace(tzinfo=None)
    for endpoint in store.everywhere():
        for _, generation in endpoint.routes:
            for fleet in generation.everyone().values():
                if fleet.plan.serverless is not None:
                    continue  # no instances that a policy could add
                dimensions = [
                    {"Name": "EndpointName", "Value": endpoint.name},
                    {"Name": "VariantName", "Value": fleet.plan.name},
                ]
                data[endpoint.account, endpoint.region] += [
                    {
                        "MetricName": _METRIC,
                        "Dimensions": dimensions,
                        "Timestamp": stamp,
                        "Value": float(member.outstanding),
                        "Unit": "None",
                    }
                    for member in fleet.well()
                ]
    for (account, region), one in data.items():
        if one:
            metrics.publish(account, region, _NAMESPACE, one)


def _look_now_and_then() -> None:
    while True:
        clock.sleep(EVERY_SECONDS)
        try:
            look()
        except Exception:
            log.exception("the requests under way could not be counted")


threading.Thread(target=_look_now_and_then, name="endpoints' requests", daemon=True).start()
