"""The demo's embedded cloud: its verbs."""

from collections.abc import Mapping
from typing import Any

from yard.errors import UserError
from yard.project import Project


def admin(project: Project, verb: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Call a verb of the cloud that the demo has started."""
    from embedded import lifecycle

    state = lifecycle.status(project.root / lifecycle.DEFAULT_FOLDER)
    if state is None:
        raise UserError("The embedded cloud is gone.", "See .yard/cloud/cloud.log")
    return lifecycle.admin(state, verb, parameters)
