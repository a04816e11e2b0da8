"""The project that constructs belong to: what its things are called, how they are tagged, kept and bounded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shardyard.spec import names

_NAME = r"[a-z][a-z0-9-]{1,18}[a-z0-9]"
_STAGE = r"[a-z][a-z0-9]{1,11}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What nearly every construct needs to know: `Project(name="vision", stage="dev")` is enough in any CDK app."""

    name: str
    """The first part of every name."""
    stage: str
    """The second part: `dev`, `prod`, ..."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of training jobs besides `project` and `stage`; CDK tags everything else (`cdk.Tags.of`)."""
    permissions_boundary: str | None = None
    """The ARN of a policy that bounds every role."""
    log_days: int = 90
    """Days for which log groups keep their events, as CloudWatch takes them: 1, 3, 5, 7, 14, 30, 60, 90, ..."""
    retains_data: bool = True
    """Whether buckets, keys and images outlive their stack; without it they are emptied and deleted with it."""

    def __post_init__(self) -> None:
        # Lambda and SageMaker cut no name short: a long one fails in the middle of a deploy.
        if re.fullmatch(_NAME, self.name) is None:
            raise ValueError(
                f"Project(name={self.name!r}) is not allowed: 3 to 20 small letters, digits and hyphens, a letter first"
            )
        if re.fullmatch(_STAGE, self.stage) is None:
            raise ValueError(
                f"Project(stage={self.stage!r}) is not allowed: 2 to 12 small letters and digits, a letter first"
            )

    @property
    def prefix(self) -> str:
        """The beginning of every name."""
        return names.prefix(self.name, self.stage)

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags of a training job; by the first two, roles and watchdogs tell the project's jobs from others."""
        return {"project": self.name, "stage": self.stage, **self.tags}
