"""yard quota, cost, advise: the account's quotas, what was spent, which plan fits."""

from enum import StrEnum
from pathlib import Path

import typer

from shardyard.spec.units import parse_count
from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import confirm, emit_json, emit_rows, say
from yard.project import find_project

quota_app = typer.Typer(invoke_without_command=True, subcommand_metavar="[request]")
cost_app = typer.Typer(invoke_without_command=True, subcommand_metavar="[estimate]")


class Grouping(StrEnum):
    """What `yard cost` sums up."""

    JOB = "job"
    OWNER = "owner"


_JSON = typer.Option(False, "--json", help="Print JSON.")


@quota_app.callback()
def quota(context: typer.Context, as_json: bool = _JSON) -> None:
    """Service quotas: needed, granted, used, requested.

    One row per quota that any job needs.

    \b
      yard quota
      yard quota --json | jq '.[] | select(.state == "missing")'
      yard quota request
    """
    if context.invoked_subcommand is not None:
        return
    from yard.account.quotas import table

    rows = [
        {
            "quota": row.quota,
            "needed": row.needed,
            "granted": row.granted,
            "used": row.used,
            "pending": row.pending,
            "state": row.state,
        }
        for row in table(Aws(find_project()))
    ]
    columns = ("quota", "needed", "granted", "used", "pending", "state")
    emit_rows(rows, columns, as_json=as_json, empty="The jobs need no quota.")


@quota_app.command("request")
def quota_request(
    name: str | None = typer.Argument(None, help="A quota's name; without it, every missing one."),
    value: float | None = typer.Argument(None, help="The value to ask for."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = _JSON,
) -> None:
    """Ask AWS to raise a quota, or all that are too low.

    \b
      yard quota request
      yard quota request "ml.g5.xlarge for spot training job usage" 4 --yes
    """
    from yard.account.quotas import request, table

    aws = Aws(find_project())
    if name is not None:
        if value is None:
            raise UserError(f'Say how much of {name!r} to ask for: yard quota request "{name}" 4', code=Exit.USAGE)
        wanted = [(name, value)]
    else:
        wanted = [(row.quota, row.needed) for row in table(aws) if row.state == "missing"]
    if not wanted:
        say("Nothing is missing.")
    answers = [
        {"quota": quota_name, "wanted": amount, "answer": request(aws, quota_name, amount)}
        for quota_name, amount in wanted
        if yes or confirm(f"Ask for {amount:g} of {quota_name}?")
    ]
    if as_json:
        emit_json(answers)
        return
    for one in answers:
        say(str(one["answer"]))


@cost_app.callback()
def cost(
    context: typer.Context,
    by: Grouping = typer.Option(Grouping.JOB, "--by", help="A row for each job, or for each owner."),
    billed: bool = typer.Option(False, "--billed", help="Ask Cost Explorer as well; each such call bills 0.01 USD."),
    as_json: bool = _JSON,
) -> None:
    """What was spent, and what the stacks cost while idle.

    This month's runs by job or by owner, from their receipts, against the budget and the owners' caps; and what the
    deployed stacks cost when nothing runs.

    \b
      yard cost
      yard cost --by owner
      yard cost --billed
      yard cost estimate gpt-fsdp
    """
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from shardyard.spec.owners import cap_of
    from yard.account import spending

    aws = Aws(find_project())
    settings = aws.project.settings.budget
    rows = []
    for row in spending.month_to_date(aws, by=by.value):
        facts = {by.value: row.name, **asdict(row)}
        del facts["name"]
        if by is Grouping.OWNER:
            facts["cap_usd"] = cap_of(settings.per_owner, row.name)
        rows.append(facts)
    idle = list(spending.idle(aws))
    idle_usd = round(sum(item.monthly_usd for _, item in idle), 2)
    if billed:
        say("Asking Cost Explorer; this call bills 0.01 USD.")
    from_ce = spending.billed(aws) if billed else None
    budget = settings.monthly_usd
    if as_json:
        items = [{"stack": stack, **asdict(item)} for stack, item in idle]
        emit_json(
            {f"{by.value}s": rows, "budget_usd": budget, "idle_monthly_usd": idle_usd, "idle": items, "billed": from_ce}
        )
        return
    columns = (by.value, "runs", "usd", "cap_usd", "saved_usd", "unpriced", "without_receipt")
    emit_rows(rows, columns, as_json=False, empty="Nothing was trained this month.", spare=("cap_usd",))
    spent = sum(float(row["usd"]) for row in rows)
    say(f"Training this month: {spent:.2f} USD of a budget of {budget:g} USD (cdk.json).")
    say(f"Idle, all stacks: {idle_usd:.2f} USD a month, before free tiers.")
    if from_ce is not None:
        say(f"Billed this month, whole account: {from_ce:.2f} USD.")


@cost_app.command("estimate")
def cost_estimate(
    job: str = typer.Argument(help="A job of jobs/.", autocompletion=complete_jobs), as_json: bool = _JSON
) -> None:
    """Show the most that a launch can cost, with the arithmetic.

    Needs no account: the prices come from the dated snapshot.

    \b
      yard cost estimate gpt-fsdp
      AWS_REGION=eu-west-1 yard cost estimate gpt-fsdp --json
    """
    from shardyard.spec.catalogue.cost import snapshot_prices, worst_case
    from yard.plan import offline_region

    found = worst_case(find_project().job(job), snapshot_prices(offline_region()))
    if as_json:
        emit_json(found.to_dict())
        return
    for line in found.lines:
        print(line)


def advise(
    parameters: str | None = typer.Option(None, "--params", help="The model's size: 124M, 7e9, 7B.", metavar="SIZE"),
    instance: str | None = typer.Option(None, "--instance", help="The instance type.", metavar="TYPE"),
    count: int = typer.Option(1, "--count", help="How many instances.", min=1),
    batch_size: int = typer.Option(1, "--batch-size", help="Samples per replica and forward pass.", min=1),
    sequence: int = typer.Option(2048, "--sequence", help="Tokens per sample.", min=1),
    precision: str = typer.Option("bf16", "--precision", help="bf16 or fp32: the type of matrix products."),
    framework: str = typer.Option("pytorch", "--framework", help="pytorch, or tensorflow for its strategies."),
    where: str | None = typer.Option(
        None, "--where", help="A job: SageMaker or EC2?", metavar="JOB", autocompletion=complete_jobs
    ),
    hours: float | None = typer.Option(None, "--hours", help="With --where: how long a run takes.", min=0.01),
    overhead_minutes: float = typer.Option(
        10, "--overhead-minutes", help="With --where: what EC2 bills before and after the program.", min=0
    ),
    template: Path | None = typer.Option(None, "--template", help="With --where: the folder for EC2's template."),
    as_json: bool = _JSON,
) -> None:
    """Say which parallel plan fits, or where a job runs for less.

    Both with the arithmetic, and without an account. --where compares SageMaker with an EC2 instance that has a Deep
    Learning AMI; without --hours for limits.max_runtime. If EC2 wins, --template writes what runs the job there.

    \b
      yard advise --params 7B --instance ml.g5.12xlarge --count 2
      yard advise --params 124M --instance ml.g5.xlarge --count 4 --framework tensorflow
      yard advise --where mnist-ddp --hours 2
      yard advise --where churn --hours 2 --template ec2
    """
    if where is not None:
        _advise_where(where, hours, overhead_minutes, template, as_json=as_json)
        return
    if parameters is None or instance is None:
        raise UserError("Say --params and --instance, or --where JOB.", "See: yard advise --help", Exit.USAGE)
    from shardyard.spec.advise.layouts import Advice
    from shardyard.spec.advise.layouts import advise as advise_on
    from shardyard.spec.advise.memory import workload
    from shardyard.spec.advise.tensorflow import StrategyAdvice, advise_tensorflow
    from yard.plan import offline_region

    try:
        size = parse_count(parameters)
    except ValueError as error:
        raise UserError(f"--params {error}.", code=Exit.USAGE) from None
    if precision not in ("bf16", "fp32"):
        raise UserError(f"--precision is {precision!r}; choose bf16 or fp32.", code=Exit.USAGE)
    work = workload(size, batch_size=batch_size, sequence=sequence, precision=precision)
    if framework not in ("pytorch", "tensorflow"):
        raise UserError(f"--framework is {framework!r}; choose pytorch or tensorflow.", code=Exit.USAGE)
    if framework == "tensorflow":
        advice: Advice | StrategyAdvice = advise_tensorflow(work, instance, count)
    else:
        advice = advise_on(work, instance, count, region=offline_region())
    if as_json:
        tried = [{"plan": one.name, "needed_gb": one.needed_gb, "usable_gb": one.usable_gb} for one in advice.tried]
        emit_json({"best": advice.best.name if advice.best else None, "tried": tried, "lines": list(advice.lines)})
        return
    for line in advice.lines:
        print(line)


def _advise_where(
    job: str, hours: float | None, overhead_minutes: float, template: Path | None, *, as_json: bool
) -> None:
    from dataclasses import asdict

    from yard.ec2 import advice, writing
    from yard.plan import offline_region

    project = find_project()
    spec = project.training_job(job)
    taken = spec.limits.max_runtime_seconds / 3600 if hours is None else hours
    found = advice.advise(spec, hours=taken, overhead_minutes=overhead_minutes, region=offline_region())
    written = [] if template is None else writing.write(project, spec, found, template)
    if as_json:
        emit_json({"job": job, **asdict(found), "written": written})
        return
    for line in found.lines:
        print(line)
    print(f"{job}: {found.place}" if found.place != "unknown" else f"{job}: not known")
    for path in written:
        say(f"{path} is written.")
    if written:
        say("How to start it: docs/do/ec2.md")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.add_typer(quota_app, name="quota")
    app.add_typer(cost_app, name="cost")
    app.command()(advise)
