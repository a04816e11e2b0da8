"""How the commands reach a project's embedded cloud."""

from pathlib import Path
from typing import Any

from yard.errors import UserError
from yard.project import find_project


def cloud_folder() -> Path:
    """Where the project's cloud keeps its state."""
    from embedded import lifecycle

    return find_project().root / lifecycle.DEFAULT_FOLDER


def has_containers(endpoint: str | None) -> bool:
    """Whether the cloud at an endpoint is this project's, and its nodes are containers."""
    from embedded import lifecycle

    running = None if endpoint is None else lifecycle.status(cloud_folder())
    return running is not None and running.endpoint == endpoint and running.engine == "docker"


def ask(verb: str, **params: Any) -> dict[str, Any]:
    """Call a verb of the running cloud."""
    from embedded import lifecycle

    running = lifecycle.find_running(cloud_folder())
    if running is None:
        raise UserError("The embedded cloud is not running.", "Start it: yard cloud up")
    return lifecycle.admin(running, verb, {name: value for name, value in params.items() if value is not None})
