"""The settings for endpoints."""

from dataclasses import dataclass

from shardyard.spec.tree import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingSettings:
    """These settings hold for all endpoints of the stage."""

    endpoints: str = setting(
        "endpoints",
        "The folder of endpoint files, relative to the project; a project without it has none.",
        pattern=r"[\w./-]+",
    )
