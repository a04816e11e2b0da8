"""What a comparison found, as plain values: for a terminal, for a pull request and for a program."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from yard.difference.fields import Field

Action = Literal["added", "removed", "changed", "moved", "replaced", "left over"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StackChange:
    """A stack that comes, that the app no longer has, or whose outputs or conditions change."""

    stack: str
    action: Action
    resources: int
    monthly_usd: float
    """What it costs while nothing runs; before free tiers."""
    sections: Sequence[str] = ()
    """Of a stack that is changed, the parts of its template that differ besides resources and parameters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobChange:
    """What becomes of one job."""

    job: str
    action: Action
    fields: Sequence[Field] = ()
    """What differs in its file, by the file's keys."""
    stack_before: str | None = None
    stack_after: str | None = None
    launch_usd_before: float | None = None
    """The most that a launch can cost; None where a price is unknown."""
    launch_usd_after: float | None = None
    running: int = 0
    """Runs in progress that lose their state machine."""
    searching: int = 0
    """Searches in progress that lose theirs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterChange:
    """A stack parameter that comes, goes or takes other values."""

    stack: str
    parameter: str
    action: Action
    value: str | None = None
    """The deployed value where it is not empty: with a parameter that goes, it is lost."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Right:
    """One action on one resource."""

    effect: str
    action: str
    resource: str
    condition: str
    """Under which condition, in words; empty for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RightsChange:
    """What a role, or everybody on a resource, may do that it might not before, and the other way round."""

    who: str
    stack: str
    action: Action
    gained: Sequence[Right] = ()
    lost: Sequence[Right] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceChange:
    """What becomes of one resource."""

    stack: str
    resource: str
    """As the code names it."""
    type: str
    action: Action
    physical: str | None
    """Its name in the account; None for one that is new."""
    fields: Sequence[Field] = ()
    replacing: Sequence[str] = ()
    """The properties whose change makes it another resource."""
    certain: bool = True
    """False where only the deploy can tell whether it is replaced."""
    keeps: bool = False
    """Whether the old one stays in the account, outside of its stack, with its data."""
    loses: str = ""
    """The data that goes with it, in words; empty for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Everything that a deploy would change."""

    stacks: Sequence[StackChange]
    jobs: Sequence[JobChange]
    parameters: Sequence[ParameterChange]
    rights: Sequence[RightsChange]
    resources: Sequence[ResourceChange]
    refusals: Sequence[str]
    """Why CloudFormation would refuse the deploy, a sentence each."""
    monthly_usd_before: float
    monthly_usd_after: float
    notes: Sequence[str] = field(default=())
    """What could not be found out."""

    @property
    def is_empty(self) -> bool:
        """Whether a deploy would change nothing, and nothing is left over."""
        return not (self.stacks or self.jobs or self.parameters or self.rights or self.resources)

    @property
    def loses_data(self) -> bool:
        """Whether data goes with what is removed or replaced."""
        return any(one.loses for one in self.resources)
