"""yard endpoint load, rehearse, cost: what an endpoint does under load, on a bad day, and to the bill."""

import dataclasses
from pathlib import Path

import typer

from yard.aws import Aws
from yard.commands.complete import complete_endpoints
from yard.errors import Exit, UserError
from yard.output import confirm, emit_json, emit_rows, say, show
from yard.project import find_project

_COLUMNS = ("variant", "requests", "per_second", "errors", "lost", "p50_ms", "p90_ms", "p99_ms", "longest_ms")
_ARGUMENT = "The endpoint."


def load(
    endpoint: str = typer.Argument(help=_ARGUMENT, autocompletion=complete_endpoints),
    file: Path = typer.Argument(help="What every request sends."),
    seconds: float = typer.Option(30, "--seconds", help="How long.", min=1, max=3600),
    clients: int = typer.Option(8, "--clients", help="How many callers at once.", min=1, max=256),
    rate: float | None = typer.Option(
        None, "--rate", help="Requests a second; by default as fast as they go.", min=0.1
    ),
    content_type: str | None = typer.Option(None, "--content-type", help="What it is, in place of what is guessed."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Send requests for a while, and sum up the answers.

    How fast they came, and what failed, by variant. Nothing is retried. At a --rate a request counts from when it
    should have begun. Exit code 1 if a request failed.

    \b
      yard endpoint load digits image.npy
      yard endpoint load digits image.npy --rate 50 --seconds 60
    """
    from yard.serving import load as loading
    from yard.serving.endpoints import endpoint as find
    from yard.serving.endpoints import in_service
    from yard.serving.invoking import Request, check_size, read_body

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    if spec.kind == "asynchronous":
        raise UserError(
            f"{endpoint} answers from a queue, and not its callers.", "See: yard endpoint status " + endpoint
        )
    body, type_ = read_body(file, None, None, content_type)
    check_size(spec, body)
    name = str(in_service(aws, endpoint).outputs["EndpointName"])
    send = loading.sender(aws, name, Request(body=body, content_type=type_), clients=clients)
    samples = loading.run(send, seconds=seconds, clients=clients, rate=rate)
    rows = [dataclasses.asdict(row) for row in loading.summaries(samples, seconds)]
    failed = [sample for sample in samples if sample.outcome != loading.ANSWERED]
    if as_json:
        emit_json({"endpoint": endpoint, "seconds": seconds, "clients": clients, "rate": rate, "summary": rows})
    else:
        emit_rows(rows, _COLUMNS, as_json=False, empty="No request was sent.")
        for line in loading.histogram(samples):
            show(line)
        if failed:
            say(f"{len(failed)} of {len(samples)} failed; the first: {failed[0].detail}")
    if failed:
        raise typer.Exit(Exit.FIX)


def rehearse(
    endpoint: str = typer.Argument(help=_ARGUMENT, autocompletion=complete_endpoints),
    file: Path = typer.Argument(help="What every request sends."),
    rate: float = typer.Option(10, "--rate", help="Requests a second.", min=1, max=1000),
    clients: int = typer.Option(8, "--clients", help="How many callers at once.", min=1, max=256),
    content_type: str | None = typer.Option(None, "--content-type", help="What it is, in place of what is guessed."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON; the timeline goes to stderr."),
) -> None:
    """Deploy a bad model under traffic, and see it rolled back.

    The bad model fails every request that reaches it, so callers get errors until an alarm rings: as many as the
    canary's share. It must end on the configuration from before, with no request lost; exit code 3 otherwise.

    \b
      yard endpoint rehearse digits image.npy
    """
    from yard.serving.endpoints import endpoint as find
    from yard.serving.invoking import Request, read_body
    from yard.serving.rehearsal import refuse, told
    from yard.serving.rehearsal import rehearse as run

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    refuse(spec)
    body, type_ = read_body(file, None, None, content_type)
    if not yes and not confirm(f"Deploy a bad model to {endpoint}? Its callers will get errors until it is gone."):
        raise typer.Exit(Exit.OK)
    found = run(aws, spec, Request(body=body, content_type=type_), say, clients=clients, rate=rate)
    if as_json:
        emit_json(
            {
                "verdict": found.verdict,
                "before": found.before,
                "after": found.after,
                "timeline": [dataclasses.asdict(event) for event in found.events],
                "requests": len(found.samples),
                "problems": found.problems,
            }
        )
    else:
        for line in told(found):
            say(line)
    if found.problems:
        raise typer.Exit(Exit.JOB_FAILED)


def cost(
    endpoint: str = typer.Argument(help=_ARGUMENT, autocompletion=complete_endpoints),
    requests: float = typer.Option(1000, "--requests", help="Requests a day.", min=0, max=1e12),
    seconds: float = typer.Option(0.1, "--seconds", help="How long the model works on one.", min=0.0001, max=3600),
    hours: float = typer.Option(24, "--hours", help="In how many hours of a day they come.", min=0.1, max=24),
    peak: float = typer.Option(3, "--peak", help="How much busier the busiest minute is.", min=1, max=1000),
    at_once: int = typer.Option(1, "--at-once", help="How many an instance works on at once.", min=1, max=1000),
    memory_mb: int = typer.Option(2048, "--memory", help="The memory of a serverless one, in MB.", min=1024, max=6144),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Compare what kinds of hosting cost for some traffic.

    With what the first caller after a quiet time waits for, what the slowest see, and what a month without any request
    costs; no account is asked. Prices are those of the dated snapshot and of cost.hourly_usd, for the model's time
    alone; what is not known is shown as -.

    \b
      yard endpoint cost digits --requests 50000 --seconds 0.05
      yard endpoint cost digits --requests 200 --seconds 2 --hours 8 --json
    """
    from shardyard.spec.catalogue.hosting import hosting_usd
    from yard.plan import offline_region
    from yard.serving.advice import Traffic, compare
    from yard.serving.endpoints import endpoint as find

    spec = find(find_project(), endpoint)
    kinds = [one.instance_type for one in spec.variants.values() if one.instance_type is not None]
    kind, region = kinds[0] if kinds else "ml.m5.large", offline_region()
    own = spec.cost.hourly_usd.get(kind)
    traffic = Traffic(requests_a_day=requests, seconds_each=seconds, hours_a_day=hours, peak=peak, at_once=at_once)
    found = compare(
        traffic,
        instance_type=kind,
        hourly_usd=hosting_usd(kind, region) if own is None else own,
        memory_mb=memory_mb,
        region=region,
    )
    rows = [dataclasses.asdict(one) for one in found]
    columns = ("kind", "usd_a_month", "idle_usd", "first_request", "slowest", "refused")
    emit_rows(rows, columns, as_json=as_json, empty="", spare=("refused",))
    if not as_json:
        count = traffic.instances
        say(f"{count} x {kind} for {traffic.busy_at_peak:.2f} requests at once, prices of {region}")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(load)
    app.command()(rehearse)
    app.command()(cost)
