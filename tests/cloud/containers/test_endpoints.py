"""Endpoints whose fleets are real containers."""

import pytest

from tests.support.clouds.docker_cloud import DockerCloud
from tests.support.clouds.serving_cloud import variant

pytestmark = pytest.mark.containers


@pytest.mark.parametrize("isolated", [False, True])
def test_a_fleet_of_containers_answers(containers: DockerCloud, isolated: bool) -> None:
    name = f"fleet-{str(isolated).lower()}"
    containers.server()
    model = containers.model(name, "from a container", EnableNetworkIsolation=isolated)
    described = containers.serve(name, containers.config(name, variant("main", model, count=2)))
    assert described["EndpointStatus"] == "InService", described.get("FailureReason")
    assert {containers.invoke(name) for _ in range(4)} == {"from a container:1"}
    containers.delete_all()
