"""The trained model behind an endpoint, as `yard deploy` puts it there, and three digits for it to read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from yard.account.stages import Stage
from yard.aws import Aws
from yard.demo.cloud import admin
from yard.demo.digits import Digit, different_digits, drawn, write_request
from yard.errors import UserError
from yard.project import Project
from yard.runs.runs import Run

ENDPOINT = "digits"
REQUEST = ".yard/demo/three-digits.json"
_DIGITS = 3
_BAKING_RATE = 60
"""The first model stands at once; the next one's canary bakes for five minutes, and nobody should watch them."""
_POLL_SECONDS = 0.25


def serve(aws: Aws, run: Run, stage: Stage) -> str:
    """Deploy the run's model and ask for three digits; what was asked and what was answered, in a sentence."""
    from shardyard.spec.endpoints.stack_parameters import endpoint_parameters
    from yard.serving import deploying, endpoints, invoking
    from yard.serving.models import of_run

    spec = endpoints.endpoint(aws.project, ENDPOINT)
    stage.tell(f"yard deploy {ENDPOINT} --run {run.run_id}")
    values = {parameter.name: of_run(aws, run.run_id) for parameter in endpoint_parameters(spec).values()}
    stands = endpoints.standing(aws, ENDPOINT).described is not None
    with _fast_clock(aws.project) if stands else nullcontext():
        ended = deploying.deploy(aws, ENDPOINT, values, lambda line: stage.tell(f"-- {line}"), poll=_POLL_SECONDS)
    if ended.outcome.verdict != "served":
        raise UserError(
            f"The endpoint {spec.name} does not serve the new model: {ended.outcome.says}.",
            f"Its logs: .venv/bin/yard --embedded endpoint logs {spec.name}",
        )
    digits = different_digits(aws.project, _DIGITS)
    body = write_request(aws.project.root / REQUEST, digits)
    stage.tell(f"yard invoke {ENDPOINT} {REQUEST}")
    for line in drawn(digits):
        stage.tell(line)
    answer = invoking.invoke(aws, spec, invoking.Request(body=body, content_type="application/json"))
    said = _compared(digits, _most_likely(answer.body))
    stage.tell(f"{said}; answered by {answer.variant} in {answer.seconds * 1000:.0f} ms")
    return said


@contextmanager
def _fast_clock(project: Project) -> Iterator[None]:
    """Let the cloud's clock run fast, and as before afterwards."""
    before = admin(project, "clock", {})["clock"]
    admin(project, "clock", {"rate": _BAKING_RATE})
    try:
        yield
    finally:
        admin(project, "clock", {"rate": before})


def _most_likely(body: bytes) -> list[int]:
    """For each picture the class with the highest score."""
    return [max(range(len(scores)), key=scores.__getitem__) for scores in json.loads(body)]


def _compared(digits: list[Digit], read: list[int]) -> str:
    """What was asked beside what was answered."""
    asked = [digit.label for digit in digits]
    right = sum(one == other for one, other in zip(asked, read, strict=True))
    shown = (", ".join(map(str, found)) for found in (asked, read))
    return "asked {}; answered {}: {} of {} read right".format(*shown, right, len(digits))
