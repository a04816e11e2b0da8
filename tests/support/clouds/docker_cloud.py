"""A cloud for jobs and endpoints whose nodes are containers: real images, pushed into its own registry."""

import functools
import gzip
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from embedded.nodes.docker.networks import CLOUD_LABEL
from embedded.process import daemon
from embedded.process.daemon import Daemon, labelled
from tests.support.cloud.registry_client import Layer, Registry, digest_of, layer_of
from tests.support.clouds.docker_images import layers
from tests.support.clouds.serving_cloud import ServingCloud

BASE_VARIABLE = "YARD_TEST_BASE"
"""The image of the daemon with a Python, on which the tests' images are built."""


class DockerCloud(ServingCloud):
    """The server with the engine `docker`."""

    engine = "docker"

    def options(self) -> list[str]:
        """The daemon of DOCKER_HOST."""
        return ["--docker-socket", str(daemon.socket_of(os.environ))]

    @functools.cached_property
    def daemon(self) -> Daemon:
        """The same daemon."""
        return Daemon(daemon.socket_of(os.environ))

    def push(self, name: str, folder: Path, packages: Mapping[str, Path] = MappingProxyType({})) -> None:
        """Push the base's layer with the program's above it, as building the folder's Dockerfile would make them."""
        files = {"opt/program/run.py": (folder / "run.py").read_bytes()}
        files |= {f"{_PACKAGES}/{place}": path.read_bytes() for place, path in packages.items()}
        program = layer_of(files)
        config = {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *_ENVIRONMENT],
            "Entrypoint": ["python", "/opt/program/run.py"],
        }
        Registry(self.client("ecr")).push(f"test/{name}", "1", [base_layer(), program], config)

    def left(self) -> list[str]:
        """The ids of this cloud's containers and networks."""
        label = labelled(f"{CLOUD_LABEL}={self.folder.resolve()}")
        containers = self.daemon.call("GET", f"/containers/json?{label}")
        return [one["Id"] for one in (*containers, *self.daemon.call("GET", f"/networks?{label}"))]


_PACKAGES = f"usr/local/lib/python3.{sys.version_info.minor}/dist-packages"
"""Where a Python of the distribution looks for what it did not bring itself."""
_ENVIRONMENT = ("PYTHONUNBUFFERED=1", "FROM_IMAGE=yes")


@functools.cache
def base_layer() -> Layer:
    """The one layer of the base, packed once for all clouds: the daemon knows it again by its digest."""
    (packed,) = layers(os.environ[BASE_VARIABLE])
    return Layer(blob=gzip.compress(packed, 1, mtime=0), diff_id=digest_of(packed))
