"""One cloud whose nodes are containers, for all that needs a Docker daemon: `make test-containers`."""

import os
from collections.abc import Iterator

import pytest

from tests.support.clouds.docker_cloud import DockerCloud
from tests.support.clouds.training_cloud import ENGINE_VARIABLE


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerCloud]:
    """The cloud; at its end nothing of any job is left."""
    if os.environ.get(ENGINE_VARIABLE) != "docker":
        pytest.skip("make test-containers starts a Docker daemon for these")
    cloud = DockerCloud(tmp_path_factory.mktemp("cloud"))
    try:
        yield cloud
        cloud.check_nothing_left()
    finally:
        cloud.stop()
