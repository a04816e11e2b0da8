"""The receipt as text, for the notification and for `yard receipt`."""

from collections.abc import Mapping
from typing import Any

from contract.saves import FILES_AT_START
from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS, TRAINING
from shardyard.spec.jobs.metrics import NOT_FINITE, NOT_FINITE_EPOCH
from shardyard.spec.names import training_job_name
from shardyard.spec.tuning import receipt_text as search_text
from shardyard.spec.units import format_duration

_DONE = {"processing": "was processed", "transform": "was transformed", "automl": "was learnt"}
"""What a job that has completed was, by its kind; every other trained."""

_LONGEST = 1000
"""Letters of one line about what a run was made of; the receipt itself has all."""


def subject(receipt: Mapping[str, Any]) -> str:
    """One line of at most 99 characters, the limit of a notification's subject."""
    if receipt.get("tuning"):
        return search_text.subject(receipt)
    done = _DONE.get(str(receipt.get("kind")), "trained")
    said = {"Completed": done, "Stopped": "was stopped", "Refused": "was refused"}.get(receipt["outcome"], "failed")
    return f"{receipt['job']} {said} ({receipt['run_id']})"[:99]


def text(receipt: Mapping[str, Any]) -> str:
    """The whole message: what happened first, then what it cost, then where things are."""
    paragraphs = [
        _what_happened(receipt),
        _what_it_cost(receipt),
        _metrics(receipt),
        search_text.what_was_found(receipt["tuning"]) if receipt.get("tuning") else _attempts(receipt),
        _candidates(receipt["automl"]) if receipt.get("automl") else "",
        _made_of(receipt),
        "\n".join(f"Note: {note}" for note in receipt.get("notes", ())),
        _where(receipt),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _what_happened(receipt: Mapping[str, Any]) -> str:
    line = f"{receipt['job']}, run {receipt['run_id']}: {receipt['outcome'].lower()}."
    interruptions = sum(attempt["interruptions"] for attempt in receipt["attempts"])
    if interruptions:
        line += f" Its spot capacity was taken back {interruptions} time{'' if interruptions == 1 else 's'}."
    if _began_anew(receipt):
        line += " No checkpoint was there when it started again: it began at step 0."
    error, cause = receipt["error"], receipt["cause"]
    if not error:
        last = receipt["attempts"][-1].get("exit_message") if receipt["attempts"] else None
        return f"{line}\n{last}" if last else line
    return f"{line}\n{cause}" if cause.startswith(f"{error}:") else f"{line}\n{error}: {cause}"


def _began_anew(receipt: Mapping[str, Any]) -> bool:
    """Whether the last start was not the first, and found nothing of what had been done.

    An attempt that got no instances has done nothing.
    """
    ran = [attempt for attempt in receipt["attempts"] if attempt.get("started")]
    started_again = len(ran) > 1 or any(attempt["interruptions"] for attempt in ran)
    return started_again and receipt["metrics"].get(FILES_AT_START) == 0


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
    told = (NOT_FINITE, NOT_FINITE_EPOCH, FILES_AT_START)
    metrics = {name: value for name, value in receipt["metrics"].items() if name not in told}
    values = ", ".join(f"{name} {value:.6g}" for name, value in sorted(metrics.items()))
    said = [f"Final metrics: {values}"] if values else []
    if NOT_FINITE in receipt["metrics"]:
        said.append(f"The loss was nan or infinite, last at step {receipt['metrics'][NOT_FINITE]:.0f}.")
    elif NOT_FINITE_EPOCH in receipt["metrics"]:
        said.append(f"The loss was nan or infinite, last in epoch {receipt['metrics'][NOT_FINITE_EPOCH]:.0f}.")
    return "\n".join(said)


def _attempts(receipt: Mapping[str, Any]) -> str:
    if len(receipt["attempts"]) < 2:
        return ""
    longest = SERVICE_JOBS.get(str(receipt.get("kind")), TRAINING).longest_name
    after = {
        training_job_name(receipt["job"], receipt["run_id"], step["attempt"], longest): step["why"]
        for step in receipt["steps"]
    }
    lines = [f"Attempts ({receipt['attempt_count']}):"]
    for attempt in receipt["attempts"][-10:]:
        machines = ", ".join(f"{one['count']} x {one['type']}" for one in attempt["instances"])
        cost = "" if attempt["cost_usd"] is None else f", {_usd(attempt['cost_usd'])} USD"
        reported = "".join(f", first report at {key} {at:.0f}" for key, at in attempt.get("first_report", {}).items())
        lines.append(f"  {attempt['name']}: {_ended(attempt)} on {machines}{cost}{reported}")
        why = after.get(attempt["name"])
        if why is not None and why != receipt["cause"]:
            lines.append(f"    {why}")
    return "\n".join(lines)


def _made_of(receipt: Mapping[str, Any]) -> str:
    """What it was set to, as far as a table of settings tells, and what it was made from."""
    settings: Mapping[str, Any] = receipt.get("settings") or {}
    words = [settings.get("entry"), *_list(settings.get("arguments"))]
    facts = {
        "Program": " ".join(str(word) for word in words if word is not None),
        "Hyperparameters": _pairs(settings.get("hyperparameters")),
        "Environment": _pairs(settings.get("environment")),
        "Code": _code(receipt),
        "Image": _image(settings.get("image"), receipt.get("image", {}).get("digest")),
        "Versions": _pairs(receipt.get("versions"), " "),
    }
    return "\n".join(f"{name}: {_on_a_line(said)}" for name, said in facts.items() if said)


def _code(receipt: Mapping[str, Any]) -> str:
    code, commit = receipt.get("source_sha256"), receipt.get("git_commit")
    said = [f"sha256 {str(code)[:12]}"] if code else []
    if commit:
        said.append(f"commit {commit[:12]}{' and files that differ from it' if receipt.get('git_dirty') else ''}")
    return ", ".join(said)


def _on_a_line(said: str) -> str:
    """Whatever people have written in a value: the message of a topic takes 256 kB."""
    line = " ".join(said.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _pairs(raw: Any, between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in raw.items()) if isinstance(raw, Mapping) else ""


def _image(address: Any, digest: str | None) -> str:
    name = str(address or "").rpartition("/")[2]
    return f"{name} ({digest[:19]})" if name and digest else name


def _candidates(found: Mapping[str, Any]) -> str:
    """What an AutoML job has found, and what SageMaker said of it."""
    trained = sum(1 for one in found["candidates"] if one["status"] == "Completed")
    best = f"; the best is {found['best']}" if found["best"] else ""
    return "\n".join([f"Candidates: {trained} of {len(found['candidates'])} completed{best}.", *found["said"]])


def _ended(attempt: Mapping[str, Any]) -> str:
    """How an attempt ended, with the beginning of the service's reason."""
    status = attempt["secondary_status"] or attempt["status"]
    return f"{status} ({attempt['reason'].splitlines()[0][:60]})" if attempt["reason"] else status


def _where(receipt: Mapping[str, Any]) -> str:
    lines = [
        ("Model", receipt["model"]),
        *((f"Output {name}", place) for name, place in receipt.get("outputs", {}).items()),
        ("Registered as", receipt["model_package_arn"]),
        ("Receipt", receipt["location"]),
        *(("Log" if number == 0 else "", link) for number, link in enumerate(receipt["links"]["logs"][-1:])),
        ("Dashboard", receipt["links"]["dashboard"]),
        ("Execution", receipt["links"]["execution"]),
    ]
    return "\n".join(f"{label}: {value}" for label, value in lines if value)
