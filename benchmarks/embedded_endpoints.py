"""What InvokeEndpoint of the embedded cloud adds to a call of the container itself, at 200 requests a second.

Both kinds of calls are made in turns, from one process, to two containers of one image: every second one is a signed
request to the cloud, which sends it on; the others go straight to a container's port. Both go over connections that are
kept, as clients keep them.
"""

import http.client
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import MagicMock, patch
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks._report import Figure, report
from embedded import clients
from embedded.nodes.process_engine import ProcessEngine
from embedded.process.environment import DEFAULT_ACCESS_KEY
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.serving.containers.container import ContainerSpec, ModelContainer
from embedded.settings import current
from tests.support.clouds.serving_cloud import ServingCloud, serving_cloud

CALLS = int(os.environ.get("BENCH_ENDPOINT_CALLS", "2000"))
"""Of each kind."""
SECONDS_EACH = 1 / 200
WARM_UP = 50
NAME, BODY, KIND = "measured", b"1", "text/csv"
PATH = f"/endpoints/{NAME}/invocations"


def main() -> int:
    """Measure in a cloud of its own and report."""
    with tempfile.TemporaryDirectory() as folder, serving_cloud(Path(folder)) as cloud:
        cloud.serve(NAME, cloud.simple(NAME))
        with container(cloud) as direct:
            through = caller(cloud)
            times = in_turns(through, lambda: check(direct.post(BODY, {"Content-Type": KIND}).status))
    over, straight = times
    return report(
        "embedded_endpoints",
        [
            Figure(name="a call of the container, median", value=at(straight, 0.5), unit="ms"),
            Figure(name="a call of the container, 99th percentile", value=at(straight, 0.99), unit="ms"),
            Figure(
                name="added by InvokeEndpoint, median", value=at(over, 0.5) - at(straight, 0.5), unit="ms", at_most=2
            ),
            Figure(
                name="added by InvokeEndpoint, 99th percentile",
                value=at(over, 0.99) - at(straight, 0.99),
                unit="ms",
                at_most=8,
            ),
            Figure(
                name="InvokeEndpoint / a call of the container, median",
                value=at(over, 0.5) / at(straight, 0.5),
                unit="ratio",
            ),
        ],
        notes=f"{CALLS} calls of each kind, in turns, {1 / SECONDS_EACH:g} a second",
    )


@contextmanager
def container(cloud: ServingCloud) -> Iterator[ModelContainer]:
    """A container of the endpoint's image that this process runs itself, without the cloud."""
    current.project_root = cloud.project
    spec = ContainerSpec(
        definition={"Image": cloud.uri("server")},
        role_arn=cloud.role,
        region="us-east-1",
        log_group="direct",
        log_stream="direct",
        is_isolated=True,
    )
    # its lines would go to the cloud's logs in the role's name; here nobody reads them
    nobody = patch.object(execution_role, "client", return_value=MagicMock())
    with nobody, patch.object(clients, "endpoint", return_value=cloud.endpoint):
        made = ModelContainer(spec, ProcessEngine())
        try:
            made.start()
            made.wait_until_well(30)
            yield made
        finally:
            made.stop(0)


def caller(cloud: ServingCloud) -> Callable[[], None]:
    """Sends one signed request to the endpoint; signed once, so that the caller's own work is not measured."""
    address = urlsplit(cloud.endpoint)
    request = AWSRequest("POST", f"{cloud.endpoint}{PATH}", data=BODY, headers={"Content-Type": KIND})
    SigV4Auth(Credentials(DEFAULT_ACCESS_KEY, cloud.state.secret), "sagemaker", "us-east-1").add_auth(request)
    headers = {**request.prepare().headers, "Host": address.netloc}
    connection = http.client.HTTPConnection(str(address.hostname), int(str(address.port)))

    def call() -> None:
        connection.request("POST", PATH, body=BODY, headers=headers)
        answer = connection.getresponse()
        answer.read()
        check(answer.status)

    return call


def check(status: int) -> None:
    """A refusal would be fast."""
    if status != 200:
        sys.exit(f"a call was answered with {status}")


def in_turns(*calls: Callable[[], None]) -> list[list[float]]:
    """The milliseconds of each call, in order of size."""
    for _ in range(WARM_UP):
        for call in calls:
            call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(CALLS):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call()
            seconds = time.perf_counter() - began
            times.append(seconds * 1000)
            time.sleep(max(0.0, SECONDS_EACH - seconds))
    return [sorted(times) for times in taken]


def at(times: list[float], share: float) -> float:
    """The time that this share of the calls kept to."""
    return times[int(len(times) * share)]


if __name__ == "__main__":
    sys.exit(main())
