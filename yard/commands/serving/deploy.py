"""yard endpoints, deploy, invoke: which endpoints there are, a new model for one, a request to one."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from yard.aws import Aws
from yard.commands.complete import complete_endpoints
from yard.errors import Exit, UserError
from yard.output import confirm, emit_json, emit_rows, say
from yard.project import find_project

if TYPE_CHECKING:
    from shardyard.spec.endpoints.endpoint import EndpointSpec
    from yard.serving.deploying import Deployed


def endpoints(
    offline: bool = typer.Option(False, "--offline", help="Do not ask the account how they stand."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the endpoints.

    For each: its kind, its variants, where its model comes from, what a month costs, and how it stands. One without a
    model yet does not stand, and bills nothing.

    \b
      yard endpoints
      yard endpoints --offline --json
    """
    from yard.serving.endpoints import all_endpoints

    project = find_project()
    aws = None if offline else Aws(project)
    rows = [_row(spec, aws) for spec in all_endpoints(project)]
    columns = ("endpoint", "kind", "variants", "model", "usd_a_month", "status")
    nothing = f"There are no endpoints in {project.root / project.settings.serving.endpoints}."
    emit_rows(rows, columns, as_json=as_json, empty=nothing, spare=("status", "model"))


def _row(spec: "EndpointSpec", aws: Aws | None) -> dict[str, Any]:
    from shardyard.spec.endpoints.cost import monthly_cost
    from yard.errors import NotDeployedError
    from yard.plan import offline_region
    from yard.serving.endpoints import standing

    cost = monthly_cost(spec, offline_region())
    status = None
    if aws is not None:
        try:
            status = standing(aws, spec.name).status
        except NotDeployedError:
            status = "not deployed"
    return {
        "endpoint": spec.name,
        "kind": spec.kind,
        "variants": ", ".join(f"{name} {one.instance_type or 'serverless'}" for name, one in spec.variants.items()),
        "model": spec.model.said,
        "usd_a_month": None if cost.unpriced else cost.most_usd,
        "status": status,
        "description": spec.description,
    }


def deploy(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    run: str | None = typer.Option(None, "--run", help="The model of this run, or of JOB's newest: JOB:latest."),
    s3: str | None = typer.Option(None, "--s3", help="A model's address in S3.", metavar="ADDRESS"),
    variant: str | None = typer.Option(None, "--variant", help="Only of this variant, which has a model of its own."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print how it ended as JSON; its lines go to stderr."),
) -> None:
    """Give an endpoint a model, and wait until it serves.

    Without --run and --s3 it is the model that the endpoint's file names. The stack is updated with the template that
    it has and the model as a parameter, which a later cdk deploy keeps. Done means that the configuration asked for is
    the one in service: exit code 3 if SageMaker went back.

    \b
      yard deploy digits
      yard deploy digits --run 20261121-073000-a1b2
    """
    from yard.serving import deploying
    from yard.serving.endpoints import endpoint as find
    from yard.serving.reach import check_reach

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    values = _values(aws, spec, run=run, s3=s3, variant=variant)
    before = deploying.ready(aws, endpoint, say)
    check_reach(aws, before, values.values())
    _say_plan(spec, values, first=before.described is None)
    if not yes and not confirm(f"Deploy to {endpoint}?"):
        raise typer.Exit(Exit.OK)
    ended = deploying.deploy(aws, endpoint, values, say)
    _tell(ended, values, as_json=as_json)
    if ended.outcome.verdict != "served":
        raise typer.Exit(Exit.JOB_FAILED)


def _values(aws: Aws, spec: "EndpointSpec", *, run: str | None, s3: str | None, variant: str | None) -> dict[str, str]:
    """The parameters, and the address of the model that each gets."""
    from shardyard.spec.endpoints.stack_parameters import endpoint_parameters
    from yard.serving.models import address_of, of_run

    if run is not None and s3 is not None:
        raise UserError("--run and --s3 both name a model.", "Give one.", code=Exit.USAGE)
    parameters = endpoint_parameters(spec)
    if variant is not None:
        if variant not in parameters:
            known = ", ".join(filter(None, parameters)) or "none"
            raise UserError(
                f"No variant {variant!r} of {spec.name} has a model of its own.", f"Those that have: {known}"
            )
        parameters = {variant: parameters[variant]}
    elif run is not None or s3 is not None:
        first = next(iter(parameters))
        parameters = {first: parameters[first]}
    found = {}
    for name, parameter in parameters.items():
        source = spec.model_of(name) if name else spec.model
        address = s3 if s3 is not None else of_run(aws, run) if run is not None else address_of(aws, spec, source)
        problem = parameter.problem(address)
        if problem is not None:
            raise UserError(f"{problem}", "Give an address that the endpoint's container can load.")
        found[parameter.name] = address
    return found


def _say_plan(spec: "EndpointSpec", values: dict[str, str], *, first: bool) -> None:
    from shardyard.spec.endpoints.cost import monthly_cost
    from yard.plan import offline_region

    for name, address in values.items():
        say(f"{name}: {address}")
    cost = monthly_cost(spec, offline_region())
    begins = "; it bills from now on" if first else ""
    say(f"{', '.join(cost.lines)}: {cost.said}{begins}")


def _tell(ended: "Deployed", values: dict[str, str], *, as_json: bool) -> None:
    outcome, found = ended.outcome, ended.standing
    if as_json:
        emit_json(
            {
                "verdict": outcome.verdict,
                "says": outcome.says,
                "stack": found.stack,
                "stack_status": found.stack_status,
                "asked": values,
                "in_service": found.serving,
                "status": found.status,
            }
        )
    else:
        say(f"{outcome.verdict.capitalize()}: {outcome.says}.")


def invoke(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    file: Path | None = typer.Argument(None, help="What to send; its name's ending says what it is."),
    json_text: str | None = typer.Option(None, "--json", help="A JSON text to send.", metavar="TEXT"),
    csv_text: str | None = typer.Option(None, "--csv", help="A line of CSV to send.", metavar="TEXT"),
    content_type: str | None = typer.Option(None, "--content-type", help="What it is, in place of what is guessed."),
    accept: str = typer.Option("application/json", "--accept", help="What the answer should be."),
    variant: str | None = typer.Option(None, "--variant", help="Ask this variant, whatever the weights."),
    target_model: str | None = typer.Option(None, "--target-model", help="Of a multi-model endpoint: which model."),
    stream: bool = typer.Option(False, "--stream", help="Print the answer as it comes."),
    wait: float = typer.Option(900, "--wait", help="Seconds to wait for the answer of an asynchronous endpoint."),
) -> None:
    """Send a request to an endpoint and print its answer.

    The answer goes to stdout as it is, and who gave it, with how long it took, to stderr.

    \b
      yard invoke digits images.npy
      yard invoke digits --csv 5.1,3.5,1.4,0.2
      yard invoke chat --json '{"prompt": "Once"}' --stream
    """
    from yard.serving import invoking
    from yard.serving.endpoints import endpoint as find

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    body, type_ = invoking.read_body(file, json_text, csv_text, content_type)
    invoking.check_size(spec, body)
    request = invoking.Request(body=body, content_type=type_, accept=accept, variant=variant, target_model=target_model)
    if spec.kind == "multi-model" and target_model is None:
        raise UserError(f"{endpoint} has many models.", "Say which: --target-model KEY, below its prefix.", Exit.USAGE)
    if stream:
        for part in invoking.stream(aws, spec, request):
            _write([part])
        return
    if spec.kind == "asynchronous":
        answer = invoking.invoke_later(aws, spec, request, wait_seconds=wait)
    else:
        answer = invoking.invoke(aws, spec, request)
    _write([answer.body])
    say(f"{answer.variant or endpoint} answered {len(answer.body):,} bytes in {answer.seconds:.3f} s")


def _write(parts: Sequence[bytes]) -> None:
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(endpoints)
    app.command()(deploy)
    app.command()(invoke)
