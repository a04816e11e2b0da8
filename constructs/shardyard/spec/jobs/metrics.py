"""The metrics that Shardyard's programs print, and the patterns with which SageMaker finds them in the log.

Each report is one line on standard output: the word `metric`, then key=value pairs separated by single blanks:
`metric step=120 loss=2.31 tokens_per_second=8113.2`.
"""

STANDARD_METRICS = (
    "step",
    "total_steps",
    "epoch",
    "loss",
    "accuracy",
    "validation_loss",
    "samples_per_second",
    "tokens_per_second",
    "mfu",
    "data_seconds",
    "checkpoint_seconds",
    "peak_memory_bytes",
)
"""Their names, in display order. `mfu` is model FLOPs utilisation, as a fraction of 1."""


def metric_regex(name: str) -> str:
    """The pattern that matches one metric's number in a log line."""
    return rf"metric .*\b{name}=([0-9.eE+-]+)"


def metric_definitions() -> list[dict[str, str]]:
    """The standard metrics as CreateTrainingJob's MetricDefinitions."""
    return [{"Name": name, "Regex": metric_regex(name)} for name in STANDARD_METRICS]
