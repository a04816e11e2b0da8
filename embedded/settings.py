"""What can be set while the cloud runs (`yard cloud settings NAME=VALUE`), and how it differs from AWS."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from embedded.operations import ServiceError, amount
from embedded.process import engines

_FILE_SYSTEMS = Path(".yard", "cloud", "filesystems")


@dataclass(kw_only=True, slots=True)
class TrainingSettings:
    """Times are in seconds. The defaults are AWS's where AWS says what they are."""

    stop_grace_seconds: float = 120.0
    """From SIGTERM to SIGKILL, when a job is stopped, interrupted or out of time."""

    capacity_wait_seconds: float = 5.0
    """How long a job waits for capacity before it fails with CapacityError; AWS tries for up to an hour."""

    spot_return_seconds: float = 1.0
    """How long spot capacity stays away after an interruption; AWS gives no figure."""

    spot_billable_ratio: float = 0.3
    """The part of a spot job's training time that is billed; AWS bills what the market says."""

    checkpoint_seconds: float = 1.0
    """The time between two looks at a node's checkpoint folder; AWS gives no figure."""

    metric_seconds: float = 5.0
    """The time between two host metrics; AWS's is 60."""

    isolation: Literal["auto", "user", "root", "loopback"] = "auto"
    """How nodes are kept apart; `auto` takes the best that this machine allows."""

    allow_unisolated: bool = False
    """Whether code that is not this project's runs where nodes and functions cannot be kept apart from the machine."""

    node_memory_mb: float = 0.0
    """The most memory of a node in the engine `docker`; 0 is its share of nine tenths of this machine's."""

    project_root: Path = field(default_factory=Path.cwd)
    """The folder with containers/ and the sources of its images."""

    file_systems_root: Path = field(default_factory=lambda: Path.cwd() / _FILE_SYSTEMS)
    """The folders in it stand for EFS and FSx file systems, one per file system's id."""

    work_root: Path | None = None
    """Where the running jobs' folders are made; None is the system's folder for temporary files."""


current = TrainingSettings()
"""The settings of this cloud."""


def use_project(root: Path) -> None:
    """Run the images of the project in this folder."""
    current.project_root, current.file_systems_root = root, root / _FILE_SYSTEMS


def change(values: Mapping[str, Any]) -> None:
    """Change some of the settings, or none of them if one is unknown or of the wrong type."""
    new: dict[str, Any] = {}
    for name, value in values.items():
        field = next((f for f in dataclasses.fields(TrainingSettings) if f.name == name), None)
        if field is None:
            known = ", ".join(f.name for f in dataclasses.fields(TrainingSettings))
            raise ServiceError("ValidationException", f"no such setting: {name!r}; known: {known}")
        new[name] = _convert(name, value)
    for name, value in new.items():
        setattr(current, name, value)


def _convert(name: str, value: Any) -> Any:
    if name == "node_memory_mb" and engines.docker_socket() is None:
        raise ServiceError("ValidationException", "node_memory_mb: only the engine `docker` limits a node's memory")
    if name == "work_root" and value is None:
        return None
    if name in ("project_root", "file_systems_root", "work_root"):
        return Path(value)
    if name == "allow_unisolated":
        if not isinstance(value, bool):
            raise ServiceError("ValidationException", f"allow_unisolated: {value!r} is neither true nor false")
        return value
    if name == "isolation":
        if value not in ("auto", "user", "root", "loopback"):
            raise ServiceError("ValidationException", f"isolation: {value!r} is none of auto, user, root, loopback")
        return value
    return amount(name, value)


def as_dict() -> dict[str, Any]:
    """The settings as plain values."""
    values = dataclasses.asdict(current)
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
