"""The plan of a launch: the job with every override, what the rules say, and its maximum cost."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shardyard.spec.errors import Problem, SpecError, said
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overrides import LaunchInput, apply_input
from shardyard.spec.units import format_duration
from yard.errors import Exit, UserError
from yard.project import Project

if TYPE_CHECKING:
    from shardyard.spec.catalogue.cost import Cost
    from shardyard.spec.requests.deployment import Deployment
    from shardyard.spec.settings.settings import Settings

DEFAULT_REGION = "us-east-1"
"""The region whose prices the offline commands use when none is chosen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchPlan:
    """One launch before it starts."""

    spec: LaunchedSpec
    """The job with the launch input applied."""
    sources: dict[str, str]
    """Where each value comes from: toml, stage, parameter, input."""
    cost: "Cost"
    """The most that it can cost."""
    hourly_usd: float | None
    """Hourly price of all its instances; None if any price is unknown."""


def make_plan(
    spec: LaunchedSpec,
    launch: LaunchInput,
    *,
    region: str,
    sources: Mapping[str, str] | None = None,
    deployment: "Deployment | None" = None,
) -> LaunchPlan:
    """Apply the launch input to the job and check the result; reports every problem at once."""
    from shardyard.spec import rules
    from shardyard.spec.catalogue import cost
    from shardyard.spec.requests.named_inputs import named_input_problems
    from shardyard.spec.tuning.cost import search_cost
    from shardyard.spec.tuning.trials import searched

    changed, said = apply_input(spec, launch, sources)
    problems = [*named_input_problems(spec, changed, launch, deployment), *rules.check(changed)]
    if problems:
        raise SpecError(Problem(f"{spec.name}: {problem.where}", problem.message) for problem in problems)
    known, searching = cost.snapshot_prices(region), searched(changed)
    worst = cost.worst_case(changed, known) if searching is None else search_cost(searching, known)
    cap, tuning = changed.cost.cap_usd, None if searching is None else searching.tuning
    if tuning is not None and tuning.cap_usd is not None and "cap_usd" not in launch.values:
        cap = tuning.cap_usd
    if cap is not None and worst.usd is not None and worst.usd > cap:
        raise UserError(
            f"{spec.name} can cost up to {worst.usd:.2f} USD ({worst.source}), and the cap is {cap:.2f} USD.",
            "Choose a shorter --max-runtime, fewer instances or another type; or raise the cap: --cap.",
        )
    return LaunchPlan(spec=changed, sources=said, cost=worst, hourly_usd=hourly_usd(changed, region=region))


def hourly_usd(spec: LaunchedSpec, *, region: str) -> float | None:
    """Hourly on-demand price of all instances of the first attempt; None if any price is unknown."""
    from shardyard.spec.catalogue import prices

    found = [(prices.hourly_usd(kind, region), count) for kind, count in spec.compute.alternatives[0]]
    known = [price.hourly_usd * count for price, count in found if price is not None]
    return sum(known) if len(known) == len(found) else None


def describe(spec: LaunchedSpec, *, region: str) -> dict[str, Any]:
    """A job as one row of a table."""
    from shardyard.spec.catalogue import cost
    from shardyard.spec.tuning.cost import dearest_launch

    compute, image = spec.compute, spec.image
    named = image.folder or image.repository or image.algorithm or image.builtin
    return {
        "job": spec.name,
        "instances": ", ".join(f"{count} x {kind}" for kind, count in compute.alternatives[0]),
        "image": named or f"{image.framework} {image.version}",
        "price": "spot" if spec.uses_spot else "on demand",
        "longest": format_duration(spec.limits.max_runtime_seconds),
        "usd_at_most": dearest_launch(spec, cost.snapshot_prices(region)),
        "stack": spec.stack,
        "description": spec.description,
    }


def offline_region() -> str:
    """The region whose prices the offline commands show."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def check_parameters(project: Project, pairs: Sequence[str]) -> None:
    """Check `Name=value` pairs as CloudFormation will, before any stack changes."""
    from shardyard.spec.endpoints.stack_parameters import endpoint_parameters
    from shardyard.spec.jobs.stack_parameters import job_parameters
    from shardyard.spec.rules import accepted_instance_types
    from shardyard.spec.settings.parameters import check_values, of_settings
    from yard.serving.endpoints import all_endpoints

    if not pairs:
        return
    known = list(of_settings(project.settings))
    for spec in project.jobs():
        known.extend(job_parameters(spec, accepted_instance_types(spec)).values())
    for endpoint in all_endpoints(project):
        known.extend(endpoint_parameters(endpoint).values())
    # `cdk deploy` also accepts Stack:Name=value.
    given = {name.rpartition(":")[2]: value for name, value in read_pairs("--parameters", pairs).items()}
    problems = check_values(known, given)
    if problems:
        raise SpecError(problems)


def check_names(project: Project) -> None:
    """Refuse modules beside app.py that Python would import in place of ours."""
    from shardyard.spec.product import namesakes

    message = "app.py would import it in place of the installed package of that name (give it another name)"
    problems = [Problem(name, message) for name in namesakes(project.root)]
    if problems:
        raise SpecError(problems)


def check_jobs(project: Project, name: str | None) -> list[str]:
    """Check one job or all against the rules; return their names."""
    from shardyard.spec import rules

    jobs = project.jobs()
    if name is not None:
        jobs = (project.job(name),)
    problems = [
        Problem(f"jobs/{spec.name}.toml: {problem.where}", problem.message)
        for spec in jobs
        for problem in [*rules.check(spec), *code_problems(project, spec)]
    ]
    problems += _crowded_stacks(project.jobs())
    if problems:
        raise SpecError(problems)
    return [spec.name for spec in jobs]


def reach_of(settings: "Settings") -> str:
    """What a job in the project's own VPC reaches; empty where the VPC is not ours, or there is none."""
    from shardyard.spec.settings.endpoints import reachable_services

    services = reachable_services(settings)
    if services is None:
        return ""
    reached = ", ".join(("S3", *services))
    return (
        f"in the project's VPC a job reaches {reached} and nothing else: no package index, no hub, no tracker "
        "(network.interface_endpoints adds services of AWS; network.vpc = false leaves the VPC)."
    )


def _crowded_stacks(jobs: Sequence[LaunchedSpec]) -> list[Problem]:
    """The stacks that synth would refuse for their size."""
    from shardyard.spec import stack_limits

    found: list[Problem] = []
    for part in sorted({spec.stack for spec in jobs}):
        try:
            stack_limits.check(part, [stack_limits.Estimate(spec) for spec in jobs if spec.stack == part])
        except SpecError as error:
            found += error.problems
    return found


def code_problems(project: Project, spec: LaunchedSpec) -> Sequence[Problem]:
    """What is wrong with a job's own code, as far as reading it tells."""
    from shardyard.spec.jobs.code.files import source_files
    from shardyard.spec.jobs.code.keras import keras_fit_problems
    from shardyard.spec.jobs.code.project_files import started
    from shardyard.spec.jobs.code.syntax import syntax_problems

    entry = started(spec)
    if spec.source is None or entry is None or entry.endswith(".jar"):
        return ()
    try:
        code = source_files(project.root, spec.source.dir)
        keras = keras_fit_problems(code, spec) if isinstance(spec, JobSpec) else ()
        return [*syntax_problems(code, entry), *keras]
    except SpecError as error:
        return error.problems


def read_pairs(option: str, pairs: Sequence[str]) -> dict[str, str]:
    """Split `name=value` pairs."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or any(letter.isspace() for letter in name):
            raise UserError(f"{option} {said(pair)} is not name=value.", code=Exit.USAGE)
        found[name] = value
    return found
