"""What counts as a leftover, and a leftover."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What counts as a leftover."""

    project: str
    stage: str
    notebook_hours: int
    endpoint_idle_hours: int
    job_hours: int
    warm_pool_minutes: int

    def owns(self, tags: list[Mapping[str, str]]) -> bool:
        """Whether something carries this project's and stage's tags."""
        found = {tag["Key"].lower(): tag["Value"] for tag in tags}
        return (found.get("project"), found.get("stage")) == (self.project, self.stage)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """One leftover."""

    kind: str
    """`endpoint`, `endpoint of a stack`, `notebook`, `warm pool`, `training job`, `processing job`, or a kind of things
    without a stack."""
    name: str
    why: str
    """Why it is a leftover, in a sentence."""
    stop: Callable[[], Any] | None = None
    """Stops it; None for what is only reported."""
