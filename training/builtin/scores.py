"""The lines in which the algorithms of SageMaker's own tell their scores."""


def say(part: str, name: str, value: float, *, is_loss: bool) -> None:
    """One score of one channel."""
    kind = "loss" if is_loss else "score"
    print(f"#quality_metric: host=algo-1, {part} {name} <{kind}>={value:.10g}", flush=True)
