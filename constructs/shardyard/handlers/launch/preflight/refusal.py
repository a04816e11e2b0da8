"""A refused launch: a sentence per problem, and the notification."""

from collections.abc import Iterable
from typing import Any

from shardyard.spec.console import execution_url
from shardyard.spec.errors import Problem

_MOST_BYTES = 30_000


def refusal(job: str, execution: str, problems: Iterable[Problem], *, run_id: str | None = None) -> dict[str, Any]:
    """What Preflight returns instead of a request: the execution's end and the notification."""
    lines = [str(problem) for problem in problems]
    number = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    cause = "\n".join(lines)
    text = "\n".join(
        [
            f"{job} was not launched, and nothing was billed: {number}.",
            *(f"- {line}" for line in lines),
            "",
            f"Execution: {execution_url(execution)}",
        ]
    )
    subject = f"{job} was refused: {lines[0].splitlines()[0]}"
    return {
        "run": {"id": run_id, "job": job},
        "refused": {
            "outcome": "Refused",
            "error": "Refused",
            "cause": _cut(cause),
            "subject": "".join(letter if " " <= letter <= "~" else "?" for letter in subject)[:99],
            "text": _cut(text),
            "receipt": "",
        },
    }


def _cut(text: str) -> str:
    """Cut the text: a cause holds 32,768 characters, and a state, which contains it twice, 256 KB."""
    content = text.encode(errors="replace")
    kept = content[:_MOST_BYTES].decode(errors="ignore")
    return kept if len(content) <= _MOST_BYTES else f"{kept}\n... and more"
