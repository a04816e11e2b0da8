"""The receipt as text, for the notification and for `yard receipt`."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.jobs.metrics import NOT_FINITE
from shardyard.spec.names import training_job_name
from shardyard.spec.units import format_duration


def subject(receipt: Mapping[str, Any]) -> str:
    """One line of at most 99 characters, the limit of a notification's subject."""
    said = {"Completed": "trained", "Stopped": "was stopped", "Refused": "was refused"}.get(
        receipt["outcome"], "failed"
    )
    return f"{receipt['job']} {said} ({receipt['run_id']})"[:99]


def text(receipt: Mapping[str, Any]) -> str:
    """The whole message: what happened first, then what it cost, then where things are."""
    paragraphs = [
        _what_happened(receipt),
        _what_it_cost(receipt),
        _metrics(receipt),
        _attempts(receipt),
        "\n".join(f"Note: {note}" for note in receipt.get("notes", ())),
        _where(receipt),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _what_happened(receipt: Mapping[str, Any]) -> str:
    line = f"{receipt['job']}, run {receipt['run_id']}: {receipt['outcome'].lower()}."
    interruptions = sum(attempt["interruptions"] for attempt in receipt["attempts"])
    if interruptions:
        line += f" Its spot capacity was taken back {interruptions} time{'' if interruptions == 1 else 's'}."
    error, cause = receipt["error"], receipt["cause"]
    if not error:
        return line
    return f"{line}\n{cause}" if cause.startswith(f"{error}:") else f"{line}\n{error}: {cause}"


def _what_it_cost(receipt: Mapping[str, Any]) -> str:
    time = f"Billed time: {format_duration(receipt['billable_seconds'])} on each instance"
    if receipt["cost_usd"] is None:
        return f"{time}. The cost is unknown: {receipt['price_source']}."
    said = f"{time}, {_usd(receipt['cost_usd'])} USD ({receipt['price_source']})."
    if receipt["spot_saving_percent"] is not None and receipt["saved_usd"] is not None:
        said += f" Spot saved {receipt['spot_saving_percent']:.0f} percent ({_usd(receipt['saved_usd'])} USD)."
    if receipt["worst_case_usd"] is not None:
        said += f" The worst case before launch was {_usd(receipt['worst_case_usd'])} USD."
    return said


def _usd(amount: float) -> str:
    """Cents, and more digits for less than a cent."""
    return f"{amount:.2f}" if amount >= 0.01 or amount == 0 else f"{amount:.4f}"


def _metrics(receipt: Mapping[str, Any]) -> str:
    metrics = {name: value for name, value in receipt["metrics"].items() if name != NOT_FINITE}
    values = ", ".join(f"{name} {value:.6g}" for name, value in sorted(metrics.items()))
    said = [f"Final metrics: {values}"] if values else []
    if NOT_FINITE in receipt["metrics"]:
        said.append(f"The loss was nan or infinite, last at step {receipt['metrics'][NOT_FINITE]:.0f}.")
    return "\n".join(said)


def _attempts(receipt: Mapping[str, Any]) -> str:
    if len(receipt["attempts"]) < 2:
        return ""
    after = {
        training_job_name(receipt["job"], receipt["run_id"], step["attempt"]): step["why"] for step in receipt["steps"]
    }
    lines = [f"Attempts ({receipt['attempt_count']}):"]
    for attempt in receipt["attempts"][-10:]:
        machines = ", ".join(f"{one['count']} x {one['type']}" for one in attempt["instances"])
        cost = "" if attempt["cost_usd"] is None else f", {_usd(attempt['cost_usd'])} USD"
        lines.append(f"  {attempt['name']}: {_ended(attempt)} on {machines}{cost}")
        why = after.get(attempt["name"])
        if why is not None and why != receipt["cause"]:
            lines.append(f"    {why}")
    return "\n".join(lines)


def _ended(attempt: Mapping[str, Any]) -> str:
    """How an attempt ended, with the beginning of the service's reason."""
    status = attempt["secondary_status"] or attempt["status"]
    return f"{status} ({attempt['reason'].splitlines()[0][:60]})" if attempt["reason"] else status


def _where(receipt: Mapping[str, Any]) -> str:
    lines = [
        ("Model", receipt["model"]),
        ("Registered as", receipt["model_package_arn"]),
        ("Receipt", receipt["location"]),
        *(("Log" if number == 0 else "", link) for number, link in enumerate(receipt["links"]["logs"][-1:])),
        ("Dashboard", receipt["links"]["dashboard"]),
        ("Execution", receipt["links"]["execution"]),
    ]
    return "\n".join(f"{label}: {value}" for label, value in lines if value)
