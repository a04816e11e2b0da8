"""What tells one kind of launched job from another: training, processing, a search."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from shardyard.core import policy
from shardyard.jobs.state_machine import Task, definition
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.sfn_fields import unknown_to_step_functions


class LaunchedKind(ABC):
    """What a kind of job supplies: its request, its permissions, and what its definition may hold."""

    task: Task
    """The state that creates the job and waits for it."""
    registers = False
    """Whether the launch registers a model."""
    is_watched = False
    """Whether our function looks at it, also where Step Functions' own task waits for its end."""

    def __init__(self, spec: LaunchedSpec) -> None:
        self.spec: LaunchedSpec = spec

    def model_fields(self, deployment: Deployment) -> Sequence[str]:
        """The fields of the SageMaker Model that each launch makes; none for a kind that needs none."""
        return ()

    def machine_statements(self) -> list[policy.Statement]:
        """What its state machine may do besides what all may."""
        return []

    def definition(self, **given: Any) -> str:
        """Its state machine."""
        return definition(**given)

    def needs_second_path(self, request: Mapping[str, Any]) -> bool:
        """Whether our function creates it: Step Functions' own task is not known to take every field of the request."""
        return bool(unknown_to_step_functions(request, self.task.of.integration))

    @abstractmethod
    def request(self, deployment: Deployment) -> Mapping[str, Any]:
        """A request with every field that a launch may use."""

    @abstractmethod
    def embeddable(self) -> Mapping[str, Any]:
        """The definition as it may stand in a state machine."""

    @abstractmethod
    def late_addresses(self) -> Mapping[str, str]:
        """What CloudFormation puts into that definition, by placeholder."""

    @abstractmethod
    def statements(self, longer_names: Sequence[str]) -> list[policy.Statement]:
        """What this job alone may do; `longer_names` are other jobs whose names begin like its own."""
