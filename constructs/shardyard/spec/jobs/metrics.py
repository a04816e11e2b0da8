"""The metrics that CloudWatch gets, and the patterns with which SageMaker finds them in a job's log.

Shardyard's programs print one line per report: the word `metric`, then key=value pairs separated by single blanks,
`metric step=120 loss=2.31 tokens_per_second=8113.2`. Programs of others print `loss: 0.1`, `{'loss': 0.1}` and more,
and the same patterns find the common ways; `log_metrics` reads whatever a person looks at.
"""

from collections.abc import Sequence

from contract.guards import SLOW_RANK_METRIC
from contract.saves import FILES_AT_START, FILES_AT_START_LINE
from shardyard.spec.jobs.data import Metric

_TRAIN = r"(?:[Tt]rain(?:ing)?[ _/])?"
_HELD_OUT = r"(?:[Vv]al|[Vv]alid|[Vv]alidation|[Ee]val|[Tt]est)[ _/]"
_SPELLINGS = {
    "step": r"(?:global_)?[Ss]tep|[Ii]ter(?:ation)?",
    "total_steps": r"max_steps|total_steps",
    "epoch": r"(?:Train )?[Ee]poch",
    "loss": rf"{_TRAIN}[Ll]oss",
    "accuracy": rf"{_TRAIN}[Aa]cc(?:uracy)?",
    "validation_loss": rf"{_HELD_OUT}[Ll]oss",
    "validation_accuracy": rf"{_HELD_OUT}[Aa]cc(?:uracy)?",
    "learning_rate": r"[Ll]earning[ _]rate|lr|LR",
    "grad_norm": r"grad_norm",
    "samples_per_second": r"(?:train_)?samples_per_second",
    "tokens_per_second": r"tokens_per_second",
    "mfu": r"mfu",
    "data_seconds": r"data_seconds",
    "checkpoint_seconds": r"checkpoint_seconds",
    "peak_memory_bytes": r"peak_memory_bytes",
    SLOW_RANK_METRIC: SLOW_RANK_METRIC,
}
"""How the programs of others write each name. `mfu` is model FLOPs utilisation, as a fraction of 1."""
NOT_FINITE = "not_finite_step"
"""The last step whose loss was nan or infinite: CloudWatch takes neither, and a final loss is the last finite one."""
NOT_FINITE_EPOCH = "not_finite_epoch"
"""The same of a program that counts epochs alone."""
_FIRST = ("step", "total_steps", "epoch", "loss")
STANDARD_METRICS = (
    *(*_FIRST, NOT_FINITE, NOT_FINITE_EPOCH),
    *(name for name in _SPELLINGS if name not in _FIRST),
    FILES_AT_START,
)
"""Their names, in display order."""
MOST_METRICS = 40
"""As many as CreateTrainingJob takes."""

_BEFORE = r"""(?:^|[^A-Za-z_ ] ?|\s\s)['"]?"""
"""What may stand before a name: in `Average loss` and `val loss` the loss is another one."""
_BETWEEN = r"""['"]?(?: ?[:=] ?| +)\[?['"]?"""
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_AFTER = r"(?:[^\w.%/]|$)"
"""No share, no percentage, no `12ms`. Nothing looks ahead or behind: which engine SageMaker runs is not documented."""
_AFTER_A_COUNT = r"(?:[^\w.%]|$)"
"""`Epoch [1/5]` is the first of five."""


def metric_regex(name: str) -> str:
    """The pattern that matches one standard metric's number in a log line."""
    if name in (NOT_FINITE, NOT_FINITE_EPOCH):
        loss = rf"{_SPELLINGS['loss']}{_BETWEEN}[-+]?(?:[Nn]a[Nn]|[Ii]nf)"
        counted = _SPELLINGS["step" if name == NOT_FINITE else "epoch"]
        return rf"(?:\b|_)(?:{counted}){_BETWEEN}([0-9]+)\b(?:.*[^A-Za-z_ ])? ?['\"]?{loss}"
    if name == FILES_AT_START:
        return f"{FILES_AT_START_LINE}([0-9]+)"
    after = _AFTER_A_COUNT if name in ("step", "epoch") else _AFTER
    return rf"(?:metric .*\b{name}=|{_BEFORE}(?:{_SPELLINGS[name]}){_BETWEEN}){_NUMBER}{after}"


def metric_definitions(own: Sequence[Metric] = ()) -> list[dict[str, str]]:
    """CreateTrainingJob's MetricDefinitions: a job's own, and the standard ones that they leave names and room for."""
    taken = {metric.name for metric in own}
    standard = [(name, metric_regex(name)) for name in STANDARD_METRICS if name not in taken]
    standard = standard[: max(MOST_METRICS - len(own), 0)]
    return [{"Name": name, "Regex": regex} for name, regex in [*standard, *((one.name, one.regex) for one in own)]]


def own_metrics(definitions: Sequence[dict[str, str]]) -> dict[str, str]:
    """The job's own patterns by name, of a training job's MetricDefinitions."""
    standard = metric_definitions()
    return {one["Name"]: one["Regex"] for one in definitions if one not in standard}
