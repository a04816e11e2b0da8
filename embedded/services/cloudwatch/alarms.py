"""CloudWatch alarms: moto keeps them and the metric data; here they are evaluated, and their actions are taken.

An alarm is evaluated a moment after data for one of its metrics arrives, when a period ends (`alarm_periods`), and by
the verb `evaluate-alarms`. The period that is not over yet counts as soon as it holds data: a job of ten seconds should
not wait a minute to alarm.
"""

import datetime
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricDatum, cloudwatch_backends

from embedded import clock
from embedded.bus import events, metrics
from embedded.bus.deliveries import deliver
from embedded.moto_errors import as_service_errors
from embedded.operations import Call, Params, admin, operation
from embedded.services.cloudwatch.alarm_math import MathError, Value
from embedded.services.cloudwatch.alarm_math import evaluate as evaluate_expression

MOST_DATA = 200_000
"""How many metric values one region keeps; half of them, the oldest, go when there are more."""
_DELAY_SECONDS = 0.5
_PRINCIPAL = "cloudwatch.amazonaws.com"
_TO_FUNCTIONS = "lambda.alarms.cloudwatch.amazonaws.com"
_log = logging.getLogger(__name__)
_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_dirty: set[tuple[str, str, str, str]] = set()
_wake = threading.Condition()
_one_at_a_time = threading.Lock()
"""Two looks at once would both tell of the same change."""


@operation("cloudwatch", "PutMetricData")
def put_metric_data(call: Call, params: Params) -> dict[str, Any]:
    """Take metric data, and look at the alarms on it."""
    with as_service_errors():
        publish(call.account, call.region, params["Namespace"], params.get("MetricData", []))
    return {}


@metrics.listener
def publish(account: str, region: str, namespace: str, data: list[dict[str, Any]]) -> None:
    """Keep metric data, of a caller or of a service of this cloud, and have the alarms on it looked at."""
    backend = cloudwatch_backends[account][region]
    backend.put_metric_data(namespace, data)
    if len(backend.metric_data) > MOST_DATA:
        del backend.metric_data[: MOST_DATA // 2]
    with _wake:
        _dirty.update((account, region, namespace, datum["MetricName"]) for datum in data)
        _wake.notify()


def _evaluate_dirty() -> None:
    while True:
        with _wake:
            _wake.wait_for(lambda: bool(_dirty))
        time.sleep(_DELAY_SECONDS)
        with _wake:
            changed = set(_dirty)
            _dirty.clear()
        for account, region in {(account, region) for account, region, _, _ in changed}:
            for alarm in list(cloudwatch_backends[account][region].alarms.values()):
                if any((account, region, *metric) in changed for metric in _metrics(alarm)):
                    evaluate_safely(account, region, alarm)


def evaluate_safely(account: str, region: str, alarm: Alarm) -> None:
    """Evaluate an alarm; a broken one says so in the log and keeps no other from being looked at."""
    try:
        evaluate(account, region, alarm)
    except Exception:
        _log.exception("alarm %s could not be evaluated", alarm.name)


def _metrics(alarm: Alarm) -> list[tuple[str, str]]:
    stats = [query.metric_stat for query in alarm.metric_data_queries if query.metric_stat is not None]
    found = [(stat.metric.namespace, stat.metric.metric_name) for stat in stats]
    return found if found else [(alarm.namespace, alarm.metric_name)]


def evaluate(account: str, region: str, alarm: Alarm) -> str:
    """Bring an alarm's state up to date, take the action of a change, and return the state."""
    with _one_at_a_time:
        return _evaluate(account, region, alarm)


def _evaluate(account: str, region: str, alarm: Alarm) -> str:
    if alarm.rule:
        return str(alarm.state_value)  # a composite alarm: not evaluated here
    backend = cloudwatch_backends[account][region]
    state, reason = _judge(alarm, values(backend, alarm, clock.calendar()))
    before = "INSUFFICIENT_DATA" if alarm.state_reason.startswith("Unchecked") else alarm.state_value
    if state != before:
        change(account, region, alarm, state, reason, before=before)
    elif alarm.state_reason.startswith("Unchecked"):
        alarm.update_state(reason, "{}", state)
    return state


def _judge(alarm: Alarm, values: Sequence[Value]) -> tuple[str, str]:
    """The state that the latest periods' values mean, and the reason in CloudWatch's manner."""
    treat = alarm.treat_missing_data or "missing"
    breaches = _BREACHES[alarm.comparison_operator]
    known = [value for value in values if value is not None]
    if not known and treat in ("missing", "ignore"):
        before = alarm.state_value if treat == "ignore" else "INSUFFICIENT_DATA"
        return before, f"Insufficient Data: {len(values)} datapoints were unknown."
    judged = [treat == "breaching" if value is None else breaches(value, alarm.threshold) for value in values]
    if treat in ("missing", "ignore"):
        judged = [breach for breach, value in zip(judged, values, strict=True) if value is not None]
    needed = int(alarm.datapoints_to_alarm or alarm.evaluation_periods)
    count = sum(judged)
    shown = ", ".join("missing" if value is None else f"{value:g}" for value in values)
    crossed = f"Threshold Crossed: {count} out of the last {len(values)} datapoints [{shown}]"
    if count >= min(needed, len(judged)) and count:
        return "ALARM", f"{crossed} was {alarm.comparison_operator} ({alarm.threshold:g})."
    return "OK", f"{crossed} was not {alarm.comparison_operator} ({alarm.threshold:g})."


def values(backend: CloudWatchBackend, alarm: Alarm, now: float) -> list[Value]:
    """The alarm's value in each of its latest periods, the oldest first."""
    length = period(alarm)
    wanted = set(_metrics(alarm))
    data = [datum for datum in list(backend.metric_data) if (datum.namespace, datum.name) in wanted]
    current = math.floor(now / length) * length
    starts = [current - index * length for index in range(int(alarm.evaluation_periods), -1, -1)]
    found = [_value(data, alarm, start, length) for start in starts]
    # the period that has just begun is left out while it is empty: its data may still come
    return found[1:] if found[-1] is not None else found[:-1]


def period(alarm: Alarm) -> int:
    """The seconds of an alarm's periods."""
    periods = [int(query.metric_stat.period) for query in alarm.metric_data_queries if query.metric_stat is not None]
    return max(periods) if periods else int(alarm.period)


def _value(data: Sequence[Any], alarm: Alarm, start: float, length: int) -> Value:
    if not alarm.metric_data_queries:
        stat = alarm.statistic or alarm.extended_statistic
        return statistic(data, alarm.namespace, alarm.metric_name, alarm.dimensions, stat, start, length)
    values: dict[str, Value] = {}
    for query in alarm.metric_data_queries:
        if query.metric_stat is not None:
            metric, stat = query.metric_stat.metric, query.metric_stat.stat
            values[query.id] = statistic(
                data, metric.namespace, metric.metric_name, metric.dimensions, stat, start, length
            )
    returned: Value = None
    for query in alarm.metric_data_queries:
        if query.expression:
            try:
                values[query.id] = evaluate_expression(query.expression, values)
            except MathError as error:
                _log.warning("alarm %s: %s", alarm.name, error)
        if str(query.return_data).lower() != "false":
            returned = values.get(query.id)
    return returned


def statistic(
    data: Sequence[Any], namespace: str, name: str, dimensions: Sequence[Any], stat: str, start: float, length: int
) -> Value:
    """One statistic of one metric in one period, or None without data."""
    wanted = {_dimension(one) for one in dimensions}
    found = [
        datum
        for datum in data
        if datum.name == name
        and datum.namespace == namespace
        and start <= _seconds(datum.timestamp) < start + length
        and {_dimension(one) for one in datum.dimensions} == wanted
    ]
    if not found:
        return None
    single = [datum.value for datum in found if isinstance(datum, MetricDatum)]
    sets = [datum for datum in found if not isinstance(datum, MetricDatum)]
    count = len(single) + sum(one.sample_count for one in sets)
    total = sum(single) + sum(one.sum for one in sets)
    if stat.startswith("p") and single:
        ordered = sorted(single)
        return float(ordered[max(0, math.ceil(float(stat[1:]) / 100 * len(ordered)) - 1)])
    results: Mapping[str, Callable[[], float]] = {
        "SampleCount": lambda: count,
        "Sum": lambda: total,
        "Average": lambda: total / count,
        "Minimum": lambda: min(single + [one.min for one in sets]),
        "Maximum": lambda: max(single + [one.max for one in sets]),
    }
    return float(results[stat]()) if stat in results else None


def _dimension(one: Any) -> tuple[str, str]:
    return (one["Name"], one["Value"]) if isinstance(one, Mapping) else (one.name, one.value)


def _seconds(stamp: datetime.datetime) -> float:
    # moto's own stamps are UTC without saying so; periods go by the cloud's clock
    return clock.calendar((stamp if stamp.tzinfo else stamp.replace(tzinfo=datetime.UTC)).timestamp())


def change(account: str, region: str, alarm: Alarm, state: str, reason: str, *, before: str) -> None:
    """Set an alarm's state and take the state's actions."""
    alarm.update_state(reason, "{}", state)
    _log.info("alarm %s: %s -> %s: %s", alarm.name, before, state, reason)
    detail = {
        "alarmName": alarm.name,
        "state": {"value": state, "reason": reason},
        "previousState": {"value": before},
    }
    event = {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail}
    events.publish(account, region, event | {"resources": [alarm.alarm_arn]})
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(state, alarm.insufficient_data_actions)
    if not alarm.actions_enabled:
        return
    message = _message(account, region, alarm, before)
    options = {"Subject": f'{state}: "{alarm.name}" in {region}'[:100]}
    for action in actions or []:
        if ":lambda:" in action:
            deliver(action, message, source=_TO_FUNCTIONS, source_arn=alarm.alarm_arn, options=options)
        else:
            # a topic's default policy asks for its owner: alarms tell it, rules and budgets do not
            context = {"aws:SourceOwner": account}
            deliver(action, message, source=_PRINCIPAL, source_arn=alarm.alarm_arn, options=options, context=context)


def _message(account: str, region: str, alarm: Alarm, before: str) -> dict[str, Any]:
    """The notification that CloudWatch publishes."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "OldStateValue": before,
        "StateChangeTime": time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime()),
        "AlarmActions": alarm.alarm_actions,
        "OKActions": alarm.ok_actions,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "Statistic": alarm.statistic or alarm.extended_statistic,
            "Dimensions": [{"name": one.name, "value": one.value} for one in alarm.dimensions],
            "Period": period(alarm),
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }


@operation("cloudwatch", "SetAlarmState")
def set_alarm_state(call: Call, params: Params) -> dict[str, Any]:
    """Put an alarm into a state by hand; its actions are taken, as on AWS."""
    backend = cloudwatch_backends[call.account][call.region]
    alarm = backend.alarms.get(params["AlarmName"])
    if alarm is None or alarm.state_value == params["StateValue"]:
        with as_service_errors():
            backend.set_alarm_state(
                params["AlarmName"], params["StateReason"], params.get("StateReasonData"), params["StateValue"]
            )
        return {}
    change(call.account, call.region, alarm, params["StateValue"], params["StateReason"], before=alarm.state_value)
    return {}


@admin("evaluate-alarms")
def evaluate_alarms(params: Params) -> dict[str, Any]:
    """Evaluate every alarm of every account and region now; without data, missing data is treated as set."""
    states = {}
    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            for alarm in list(backend.alarms.values()):
                if params.get("name") in (None, alarm.name):
                    states[alarm.alarm_arn] = evaluate(account, region, alarm)
    return {"alarms": states}


threading.Thread(target=_evaluate_dirty, name="alarms", daemon=True).start()
