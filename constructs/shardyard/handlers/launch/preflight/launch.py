"""A launch: the deployed definition, the stack's parameters and the execution's input, merged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shardyard.spec.catalogue.images import parse_uri
from shardyard.spec.errors import Problem, SpecError, is_too_deep
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.overrides import FREE_TABLES, LaunchInput, apply_input, apply_parameters, value_of
from shardyard.spec.requests.training import Deployment
from shardyard.spec.run_ids import parse_time, run_id_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """One launch, before any attempt."""

    spec: JobSpec
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

    def values_on(self, spec: JobSpec) -> dict[str, Any]:
        """The values of an attempt on a fallback that differ from the launch's."""
        names = [*self.sources, *(f"{table}.{key}" for table in FREE_TABLES for key in getattr(spec, table))]
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
    spec, sources = apply_parameters(JobSpec.from_dict(event["definition"]), event["parameters"])
    spec, sources = apply_input(spec, given, sources)
    return Launch(
        spec=spec,
        sources=sources,
        given=given,
        deployment=Deployment.from_dict(event["deployment"]),
        run_id=run_id_of(event["execution"], started, given.run_id),
        execution=event["execution"],
        started=started,
        fields=tuple(event["fields"]),
        project_cap_usd=float(event["project_cap_usd"]),
        dashboard=event["dashboard"],
        owner_cap_usd=event.get("owner_cap_usd"),
        folder=event.get("folder"),
    )
