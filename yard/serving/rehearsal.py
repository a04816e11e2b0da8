"""A rehearsal of the bad day: a model made bad is deployed under traffic, and must be gone again at the end."""

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.stack_parameters import endpoint_parameters
from yard.aws import Aws
from yard.errors import UserError
from yard.serving.deploying import deploy
from yard.serving.endpoints import in_service
from yard.serving.invoking import Request
from yard.serving.load import LOST, MODEL_ERROR, Sample, run, sender
from yard.serving.models import address_of

_PROGRAM = '''"""A model that fails every request: `yard endpoint rehearse` made it."""


def model_fn(model_dir):
    return None


def predict_fn(data, model):
    raise RuntimeError("this model is bad, for a rehearsal")
'''
_AFTER_SECONDS = 5.0
"""How long the traffic goes on after the end, to see that the old fleet answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that was seen."""

    seconds: float
    """Since the rehearsal began."""
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What a rehearsal has shown."""

    before: str
    """The configuration that served before."""
    after: str | None
    """The one that serves now."""
    verdict: str
    """How the deployment of the bad model ended."""
    events: tuple[Event, ...]
    samples: tuple[Sample, ...]

    @property
    def problems(self) -> list[str]:
        """What went wrong; empty for a rehearsal that passed."""
        found = []
        if self.verdict == "served":
            found.append("the bad model is in service: no alarm rolled it back")
        elif self.verdict == "failed":
            found.append("the deployment did not end: see the stack")
        if self.verdict == "rolled back" and self.after != self.before:
            found.append(f"{self.after} is in service, and {self.before} was before")
        lost = [sample for sample in self.samples if sample.outcome == LOST]
        if lost:
            found.append(f"{len(lost)} of {len(self.samples)} requests were lost; the first: {lost[0].detail}")
        if self.samples and self.samples[-1].outcome == MODEL_ERROR:
            found.append("the last request was still answered by the bad model")
        return found


def bad_archive() -> bytes:
    """A model's archive whose code fails every request; the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        text = _PROGRAM.encode()
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


def refuse(spec: EndpointSpec) -> None:
    """Refuse an endpoint that nothing would roll back."""
    if spec.kind in ("serverless", "multi-model", "asynchronous"):
        raise UserError(
            f"{spec.name} is of kind {spec.kind}, and a rehearsal needs one that answers at once from one model.",
            'Rehearse an endpoint of kind = "realtime".',
        )
    if not (spec.alarms.roll_back or spec.alarms.names):
        raise UserError(
            f"No alarm would roll {spec.name} back, so the bad model would stay.",
            "Give it alarms.errors_5xx_percent or alarms.latency_p99_ms, and deploy it.",
        )


def place_of(spec: EndpointSpec, current: str) -> str:
    """Where the bad model goes: beside what the endpoint's role may read."""
    digest = hashlib.sha256(_PROGRAM.encode()).hexdigest()[:16]
    bucket, _, key = current.removeprefix("s3://").partition("/")
    folder = "runs/" if spec.model.run is not None or spec.model.registry is not None else f"{key.rpartition('/')[0]}/"
    return f"s3://{bucket}/{folder}rehearsal-{digest}/model.tar.gz"


def rehearse(
    aws: Aws, spec: EndpointSpec, request: Request, say: Callable[[str], None], *, clients: int, rate: float
) -> Rehearsal:
    """Deploy the bad model while requests come, and see how it ends."""
    refuse(spec)
    before = in_service(aws, spec.name)
    parameter = next(iter(endpoint_parameters(spec).values())).name
    current = before.parameters.get(parameter) or address_of(aws, spec, spec.model)
    bucket, _, key = place_of(spec, current).removeprefix("s3://").partition("/")
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=bad_archive())
    began, events = time.perf_counter(), list[Event]()

    def note(text: str) -> None:
        events.append(Event(seconds=time.perf_counter() - began, what=text))
        say(f"{events[-1].seconds:7.1f} s  {text}")

    samples, ended = list[Sample](), threading.Event()
    send = sender(aws, str(before.outputs["EndpointName"]), request, clients=clients)

    def traffic() -> None:
        samples.extend(run(send, seconds=float("inf"), clients=clients, rate=rate, stop=ended))

    calling = threading.Thread(target=traffic, daemon=True)
    calling.start()
    try:
        found = deploy(aws, spec.name, {parameter: f"s3://{bucket}/{key}"}, note)
        note(f"{found.outcome.verdict}: {found.outcome.says}")
        time.sleep(_AFTER_SECONDS)
    finally:
        ended.set()
        calling.join()
        aws.client("s3").delete_object(Bucket=bucket, Key=key)
    return Rehearsal(
        before=str(before.serving),
        after=found.standing.serving,
        verdict=found.outcome.verdict,
        events=tuple(events),
        samples=tuple(samples),
    )


def told(found: Rehearsal) -> Sequence[str]:
    """What a rehearsal came to, line by line."""
    count = {outcome: 0 for outcome in ("answered", MODEL_ERROR, LOST)}
    for sample in found.samples:
        count[sample.outcome] += 1
    lines = [
        f"{len(found.samples)} requests: {count['answered']} answered, {count[MODEL_ERROR]} by the bad model, "
        f"{count[LOST]} lost"
    ]
    return [*lines, *(found.problems if found.problems else ["passed: the bad model is gone, and no request was lost"])]
