"""The user's project: its folder, its settings, its jobs."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shardyard.spec import names
from shardyard.spec.errors import nearest, said
from yard.errors import Exit, UserError

if TYPE_CHECKING:  # only the commands that read settings and jobs load them
    from shardyard.spec.jobs.job import JobSpec
    from shardyard.spec.jobs.launched import LaunchedSpec
    from shardyard.spec.settings.settings import Settings


STAGE_VARIABLE = "YARD_STAGE"
"""Names the stage, as `--stage` does; without either it is cdk.json's."""

CONTEXT_VARIABLE = "YARD_CONTEXT"
"""Settings in place of cdk.json's, one `KEY=VALUE` a line, as `--context` gives them."""

FileState = tuple[str, int, int]
"""A file's name, when it was changed, and its size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """The user's files and what they define."""

    root: Path
    """The folder that holds cdk.json and jobs/."""
    settings: "Settings"
    """Read from cdk.json; `--stage` or YARD_STAGE takes the place of its stage."""
    stage_is_chosen: bool = False
    """Whether the stage is another one's than cdk.json's: the CDK command must then be told of it."""
    context: tuple[str, ...] = ()
    """What else the CDK command must be told, `KEY=VALUE` each: settings that stand in place of cdk.json's."""
    _loaded: "dict[frozenset[FileState], tuple[LaunchedSpec, ...]]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The jobs as they were last read, by the state of their files: a command asks for them often."""

    def jobs(self) -> "tuple[LaunchedSpec, ...]":
        """Every job in jobs/, checked; reports all problems of all files together."""
        state = frozenset(map(_file_state, (self.root / self.settings.training.jobs).glob("*.toml")))
        if state not in self._loaded:
            jobs = self._load_jobs()
            self._loaded.clear()
            self._loaded[state] = jobs
        return self._loaded[state]

    def _load_jobs(self) -> "tuple[LaunchedSpec, ...]":
        from shardyard.spec.job_folder import load_jobs
        from shardyard.spec.settings.endpoints import reachable_services

        settings = self.settings
        return load_jobs(
            self.root / settings.training.jobs,
            settings.stage,
            has_network=settings.network.kind != "none",
            root=self.root,
            project_tags=settings.all_tags,
            subnet_addresses=settings.network.largest_subnet_addresses,
            reachable_services=reachable_services(settings),
            may_be_empty=settings.training.no_jobs,
        )

    def job(self, name: str) -> "LaunchedSpec":
        """The job of that name, or of the one that it was renamed from; the error for another names the nearest."""
        found = self.jobs()
        jobs = {**{job.deployed_as: job for job in found}, **{job.name: job for job in found}}
        if name not in jobs:
            raise UserError(f"There is no job {said(name)} in {self.root / 'jobs'}; {nearest(name, list(jobs))}")
        return jobs[name]

    def training_job(self, name: str) -> "JobSpec":
        """The training job of that name; the error for a job of another kind says so."""
        from shardyard.spec.jobs.job import JobSpec

        found = self.job(name)
        if not isinstance(found, JobSpec):
            raise UserError(f"{name} is {found.what}, and this is about training jobs.")
        return found

    @property
    def deploy(self) -> str:
        """The command that deploys this stage."""
        return f"npx cdk deploy --all{self.cdk_options}"

    @property
    def cdk_options(self) -> str:
        """What the CDK command needs to know besides cdk.json, as a person would type it."""
        import shlex

        told = (*((f"stage={self.settings.stage}",) if self.stage_is_chosen else ()), *self.context)
        return "".join(f" -c {shlex.quote(one)}" for one in told)

    def stack_name(self, part: str) -> str:
        """The stack of one part of the project."""
        return self.settings.stack_name(part)

    def state_machine_name(self, job: str) -> str:
        """The state machine that launches a job."""
        return names.state_machine_name(self.settings.project, self.settings.stage, self.deployed_name(job))

    def has_job(self, name: str) -> bool:
        """Whether jobs/ defines a job of that name, or one that was renamed from it."""
        return (self.root / self.settings.training.jobs / f"{name}.toml").exists() or name in self.renamed().values()

    def deployed_name(self, job: str) -> str:
        """The name that a job is deployed under: another one than its file's if that was renamed."""
        return self.renamed().get(job, job)

    def kind(self, job: str) -> str:
        """What a job's file says that it is, read without the rules; `training` where it says nothing."""
        import tomllib

        deployed = {before: name for name, before in self.renamed().items()}
        path = self.root / self.settings.training.jobs / f"{deployed.get(job, job)}.toml"
        try:
            text = path.read_text(encoding="utf-8-sig")
            # most files have no such key, and need not be parsed for it
            found = tomllib.loads(text).get("kind") if "kind" in text else None
        except (OSError, ValueError, RecursionError):
            return "training"
        return found if isinstance(found, str) else "training"

    def renamed(self) -> dict[str, str]:
        """The renamed jobs, each with the name that it is deployed under.

        Read without the rules: a mistake in one job's file must not hide what is deployed of another.
        """
        import tomllib

        found = {}
        for path in (self.root / self.settings.training.jobs).glob("*.toml"):
            try:
                text = path.read_text(encoding="utf-8-sig")
                # most files have no such key, and need not be parsed for it
                before = tomllib.loads(text).get("renamed_from") if "renamed_from" in text else None
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(before, str):
                found[path.stem] = before
        return found


def given_context() -> dict[str, str]:
    """The settings that the command line puts in place of cdk.json's."""
    found = {}
    for pair in os.environ.get(CONTEXT_VARIABLE, "").splitlines():
        key, equals, value = pair.partition("=")
        if not equals or not key or any(letter.isspace() for letter in key):
            raise UserError(f"--context {said(pair)} is not KEY=VALUE.", code=Exit.USAGE)
        found[key] = value
    return found


def _file_state(path: Path) -> FileState:
    try:
        found = path.stat()
    except OSError:  # a link that leads nowhere: whoever reads the job says so in its own words
        return path.name, 0, 0
    return path.name, found.st_mtime_ns, found.st_size


def find_project(start: Path | None = None) -> Project:
    """Walk up from here to the folder with cdk.json and jobs/."""
    from shardyard.spec.settings.settings import Settings, context_of

    here = (Path.cwd() if start is None else start).resolve()
    for folder in (here, *here.parents):
        if (folder / "cdk.json").exists() and (folder / "jobs").is_dir():
            written, given = context_of(folder / "cdk.json"), given_context()
            stage = given.pop("stage", os.environ.get(STAGE_VARIABLE, written.get("stage", "dev")))
            return Project(
                root=folder,
                settings=Settings.from_context({**written, **given, "stage": stage}),  # as with `cdk -c`
                stage_is_chosen=stage != written.get("stage", "dev"),
                context=tuple(f"{key}={value}" for key, value in given.items()),
            )
    raise UserError(
        f"{here} is not inside a Shardyard project (no folder above it has cdk.json and jobs/).",
        "Change into the project's folder, or make a project: yard init DIR",
    )
