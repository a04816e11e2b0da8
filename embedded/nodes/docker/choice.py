"""The engine that this cloud was started with."""

import functools

from embedded.nodes.docker.engine import DockerEngine
from embedded.nodes.engine import Engine
from embedded.nodes.process_engine import ProcessEngine
from embedded.process import engines


@functools.cache
def chosen() -> Engine:
    """The one engine of this process."""
    socket = engines.docker_socket()
    if socket is None:
        return ProcessEngine()
    engine = DockerEngine(socket)
    engine.sweep()
    return engine
