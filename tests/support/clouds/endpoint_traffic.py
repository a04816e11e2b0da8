"""Clients of an endpoint that never pause, and the alarm that a deployment watches meanwhile."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from tests.support.clouds.serving_cloud import ServingCloud


class Traffic:
    """Requests without a pause, and what became of them."""

    def __init__(self, cloud: ServingCloud, endpoint: str) -> None:
        self.answers: Counter[str] = Counter()
        self.errors: list[str] = []
        self._cloud, self._endpoint, self._stop = cloud, endpoint, threading.Event()

    def run(self) -> None:
        """Ask until told to end."""
        while not self._stop.is_set():
            try:
                self.answers[self._cloud.invoke(self._endpoint, "1")] += 1
            except ClientError as error:
                self.errors.append(str(error))

    def end(self) -> None:
        """Ask no more."""
        self._stop.set()


@contextmanager
def traffic(cloud: ServingCloud, endpoint: str, clients: int = 2) -> Iterator[Traffic]:
    """Clients that ask from here to the end."""
    made = Traffic(cloud, endpoint)
    threads = [threading.Thread(target=made.run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.end()
        for thread in threads:
            thread.join()


def alarm(cloud: ServingCloud, name: str, endpoint: str, config: str) -> dict[str, Any]:
    """An alarm on the errors of the new fleet alone, and the part of a DeploymentConfig that names it."""
    dimensions = {"EndpointName": endpoint, "VariantName": "main", "EndpointConfigName": config}
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]}}
