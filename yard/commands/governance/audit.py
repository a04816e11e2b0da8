"""yard audit: who launched what, with which code and data."""

from typing import TYPE_CHECKING

import typer

from yard.errors import Exit, UserError
from yard.output import emit_json, emit_rows, say
from yard.project import find_project

if TYPE_CHECKING:
    from yard.runs.audit import Launched


def audit(
    since: str = typer.Option("30d", "--since", help="How far back: 12h, 30d, 90d.", metavar="TIME"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: every field, and what could not be known."),
) -> None:
    """List who launched what, with which code and data.

    From the executions of the project's state machines, the receipts, the jobs with the project's tags and CloudTrail's
    event history. `known by` says how sure the name of the launcher is.

    \b
      yard audit --since 90d
      yard audit --json | jq '.launches[] | select(.known_by == "nothing")'
    """
    from dataclasses import asdict
    from datetime import UTC, datetime, timedelta

    from shardyard.spec.units import parse_duration
    from yard.aws import Aws
    from yard.runs.audit import launches
    from yard.runs.trail import Trail

    try:
        moment = datetime.now(UTC) - timedelta(seconds=parse_duration(since))
    except (ValueError, OverflowError) as error:
        raise UserError(f"--since {error}.", code=Exit.USAGE) from None
    aws = Aws(find_project())
    trail = Trail(aws, moment)
    found = launches(aws, moment, trail)
    if as_json:
        emit_json({"since": moment, "trail_missing": trail.missing, "launches": [asdict(one) for one in found]})
        return
    columns = ("started", "job", "run", "owner", "launched_by", "known_by", "code", "data", "status", "cost_usd")
    rows = [{**asdict(one), "code": _code(one), "data": _data(one)} for one in found]
    spare = ("status", "cost_usd", "data", "owner", "known_by")
    emit_rows(rows, columns, as_json=False, empty=f"Nothing was launched in the last {since}.", spare=spare)
    if trail.missing:
        say(f"Who launched is the launches' own word: {trail.missing}.")
    outside = [
        name
        for one in found
        if (name := one.training_job or one.processing_job or one.transform_job or one.automl_job) is not None
    ]
    if outside:
        say(f"No launch made these jobs, so nothing tells their code and data: {', '.join(outside)}")


def _code(launch: "Launched") -> str | None:
    """The code in a few letters: the commit, else the bundle, else the image."""
    if launch.git_commit is not None:
        return f"{launch.git_commit[:10]}{' and changes' if launch.git_dirty else ''}"
    if launch.source_sha256 is not None:
        return f"bundle {launch.source_sha256[:10]}"
    return None if launch.image_digest is None else f"image {launch.image_digest.removeprefix('sha256:')[:10]}"


def _data(launch: "Launched") -> str | None:
    said = [f"{one['channel']} {one['count']} objects {one['fingerprint'][:8]}" for one in launch.data]
    return ", ".join(said) if said else None


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(audit)
