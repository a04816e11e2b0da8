"""A launch: the deployed definition, the stack's parameters and the execution's input, merged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shardyard.spec.catalogue.images import parse_uri
from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS, ServiceJob
from shardyard.spec.errors import Problem, SpecError, is_too_deep
from shardyard.spec.jobs.kinds import spec_of
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overridable import free_tables_of
from shardyard.spec.jobs.overrides import LaunchInput, apply_input, apply_parameters, value_of
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.named_inputs import named_input_problems
from shardyard.spec.run_ids import parse_time, run_id_of
from shardyard.spec.tuning.images import launched_on


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """One launch, before any attempt."""

    spec: LaunchedSpec
    """The job with every override applied."""
    sources: Mapping[str, str]
    """The source of each overridable value: toml, stage, parameter or input."""
    given: LaunchInput
    """The execution's input."""
    deployment: Deployment
    """The facts that the deploy knew."""
    run_id: str
    execution: str
    started: datetime
    fields: tuple[str, ...]
    """The request fields that the machine names."""
    project_cap_usd: float
    """The most that any launch of the project may cost."""
    dashboard: str
    owner_cap_usd: float | None
    """The most that the owner's launches of a month may cost together; None without such a cap."""
    folder: str | None
    """The folder of containers/ for the image."""
    launched_on: tuple[LaunchedSpec, ...]
    """The job on each set of machines that one image is chosen for: its attempts', or its search's."""
    model_fields: tuple[str, ...] = ()
    """The fields of the Model that the machine names; none for a kind that makes none."""
    second_path: bool = False
    """Whether the machine of a search creates it by our own function, which takes every field."""

    @property
    def of(self) -> ServiceJob:
        """The kind of job that it creates."""
        return SERVICE_JOBS[self.spec.kind]

    @property
    def owner(self) -> str:
        """Who answers for the job: its own, else the project's; an app that tags nothing has none."""
        return self.spec.owner if self.spec.owner is not None else self.deployment.tags.get("owner", "")

    @property
    def region(self) -> str:
        """The region of the launch."""
        return self.execution.split(":")[3]

    @property
    def partition(self) -> str:
        """The AWS partition: `aws`, `aws-cn`, ..."""
        return self.execution.split(":")[1]

    @property
    def account(self) -> str:
        """The account of the launch."""
        return self.execution.split(":")[4]

    @property
    def container(self) -> str | None:
        """The Deep Learning Container that the deploy chose; None for any other image."""
        if self.spec.image.framework is None or self.deployment.image_uri is None:
            return None
        image = parse_uri(self.deployment.image_uri)
        return f"{image.repository}:{image.tag}"

    def values_on(self, spec: LaunchedSpec) -> dict[str, Any]:
        """The values of an attempt on a fallback that differ from the launch's."""
        names = [
            *self.sources,
            *(f"{table}.{key}" for table in free_tables_of(type(spec)) for key in getattr(spec, table)),
        ]
        values = {name: value_of(spec, name) for name in names}
        return {
            name: {"value": value, "source": "fallback"}
            for name, value in values.items()
            if value != value_of(self.spec, name)
        }

    def run_record(self, attempt: int) -> dict[str, Any]:
        """The run's record, to which every attempt adds."""
        return {
            "id": self.run_id,
            "attempt": attempt,
            "job": self.spec.name,
            "kind": self.spec.kind,
            "owner": self.owner,
            "launched_by": self.given.launched_by,
            "project": self.deployment.project,
            "stage": self.deployment.stage,
            "execution": self.execution,
            "started": self.started.isoformat(timespec="seconds"),
            "region": self.region,
            "partition": self.partition,
            "artifact_bucket": self.deployment.artifact_bucket,
            "dashboard": self.dashboard,
            "source_sha256": None if self.spec.source is None else self.spec.source.sha256,
            "git_commit": self.given.git_commit,
            "git_dirty": self.given.git_dirty,
            "values": {name: {"value": value_of(self.spec, name), "source": who} for name, who in self.sources.items()},
            "attempts": [],
            "counts": {},
            "steps": [],
        }


def read_launch(event: Mapping[str, Any]) -> Launch:
    """Merge the deployed job with the execution's input; SpecError lists what is wrong."""
    started = parse_time(event["started"])
    raw = event["input"]
    if not isinstance(raw, dict):
        shown = "a list" if is_too_deep(raw) else json.dumps(raw)
        shown = shown if len(shown) <= 80 else f"{shown[:76]}..."
        raise SpecError([Problem("input", f"{shown} is not allowed (a table of overrides; {{}} for none)")])
    given = LaunchInput.from_dict(raw)
    deployment = Deployment.from_dict(event["deployment"])
    deployed = spec_of(event["definition"])
    spec, sources = apply_parameters(deployed, event["parameters"])
    spec, sources = apply_input(spec, given, sources)
    problems = list(named_input_problems(deployed, spec, given, deployment))
    problems += _too_long(spec, given)
    if problems:
        raise SpecError(problems)
    return Launch(
        spec=spec,
        sources=sources,
        given=given,
        deployment=deployment,
        run_id=run_id_of(event["execution"], started, given.run_id),
        execution=event["execution"],
        started=started,
        fields=tuple(event["fields"]),
        project_cap_usd=float(event["project_cap_usd"]),
        dashboard=event["dashboard"],
        owner_cap_usd=event.get("owner_cap_usd"),
        folder=event.get("folder"),
        launched_on=launched_on(spec),
        model_fields=tuple(event.get("model_fields", ())),
        second_path=bool(event.get("second_path")),
    )


def _too_long(spec: LaunchedSpec, given: LaunchInput) -> list[Problem]:
    """A run id that leaves no letter of the job's name in the name of the service's job."""
    most = SERVICE_JOBS[spec.kind].longest_name - len("a--99")
    if given.run_id is None or len(given.run_id) <= most:
        return []
    return [
        Problem(
            "run_id",
            f"{given.run_id!r} is too long: {SERVICE_JOBS[spec.kind].noun}s have short names ({most} letters or fewer)",
        )
    ]
