"""EventBridge: rules with a schedule fire by the cloud's clock."""

from collections.abc import Iterator
from functools import lru_cache

from moto.events.models import Rule, events_backends

from embedded.kept import parts
from embedded.schedules.expressions import Expression, ScheduleError, read
from embedded.schedules.watch import Scheduled, Watch
from embedded.services.events.operations import rules, scheduled_event, send

_read = lru_cache(maxsize=256)(read)


def expression(text: str) -> Expression | None:
    """What an expression of a rule means; None for one that EventBridge refuses."""
    try:
        found = _read(text)
    except ScheduleError:
        return None
    # at(...) is the Scheduler's alone
    return None if found.once else found


def scheduled() -> Iterator[Scheduled]:
    """Every rule that is enabled and has a schedule."""
    for account in list(events_backends):
        for rule in list(rules(account, None)):
            found = expression(rule.scheduled_expression) if rule.scheduled_expression else None
            if found is not None and rule.state != "DISABLED":
                yield Scheduled(
                    key=rule.arn,
                    text=rule.scheduled_expression,
                    expression=found,
                    call=lambda moment, rule=rule: _fire(rule),  # type: ignore[misc]
                )


def _fire(rule: Rule) -> None:
    parts.touch()
    send(rule, scheduled_event(rule))


Watch("schedules of rules", scheduled).start()
