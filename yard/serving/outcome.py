"""How a deployment ended: what CloudFormation says, against what is in service."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["served", "rolled back", "silently rolled back", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a deployment ended."""

    verdict: Verdict
    says: str
    """For a person."""
    put_back: bool
    """Whether the stack asks for what is not in service, and must be given back what it had."""


def conclude(stack_status: str, *, asked: str | None, serving: str | None, status: str | None, reason: str) -> Outcome:
    """Done means that the configuration asked for is the one in service.

    SageMaker may go back and say InService with no reason at all. What CloudFormation makes of that is not known here:
    it may take the update for done, or for failed. Both are told from one that arrived by what is in service.
    """
    if stack_status in ("UPDATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        if asked is None:
            return Outcome(verdict="failed", says="the stack has no endpoint: its model is not known", put_back=False)
        if serving == asked and status == "InService":
            return Outcome(verdict="served", says=f"the configuration {asked} is in service", put_back=False)
        if serving == asked:
            return Outcome(verdict="failed", says=f"the endpoint is {status}{_because(reason)}", put_back=False)
        says = f"SageMaker went back without a word: {serving} is in service, and {asked} was asked for"
        return Outcome(verdict="silently rolled back", says=says, put_back=True)
    if stack_status in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"):
        left = "nothing is in service" if serving is None else f"{serving} is in service, as before"
        return Outcome(verdict="rolled back", says=f"{left}{_because(reason)}", put_back=False)
    return Outcome(verdict="failed", says=f"the stack is {stack_status}{_because(reason)}", put_back=False)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
