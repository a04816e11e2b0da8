"""A bounded load run: requests at a rate, or as fast as some clients go, and what became of each."""

import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from yard.aws import Aws
from yard.serving.invoking import Request

ANSWERED = "answered"
MODEL_ERROR = "model error"
LOST = "lost"
"""No answer of any model's: the connection broke, or the service had nobody to ask."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One request."""

    began: float
    """Seconds since the run began; for a run at a rate, when it should have begun."""
    seconds: float
    """Until its answer; waiting for a free client counts."""
    outcome: str
    variant: str
    detail: str = ""
    """What was said of an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What some requests came to."""

    variant: str
    """The variant that answered; `all` for every request, empty for those that nobody answered."""
    requests: int
    per_second: float
    errors: int
    lost: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    longest_ms: float


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed; nan of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


def summaries(samples: Sequence[Sample], seconds: float) -> list[Summary]:
    """All requests, then those of each variant."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.variant].append(sample)
    variants = [_summary(name, found, seconds) for name, found in sorted(groups.items())]
    return [_summary("all", samples, seconds), *variants]


def _summary(variant: str, samples: Sequence[Sample], seconds: float) -> Summary:
    took = [sample.seconds * 1000 for sample in samples if sample.outcome == ANSWERED]
    outcomes = Counter(sample.outcome for sample in samples)
    return Summary(
        variant=variant,
        requests=len(samples),
        per_second=round(len(samples) / seconds, 1) if seconds else 0.0,
        errors=outcomes[MODEL_ERROR],
        lost=outcomes[LOST],
        p50_ms=round(percentile(took, 50), 2),
        p90_ms=round(percentile(took, 90), 2),
        p99_ms=round(percentile(took, 99), 2),
        longest_ms=round(max(took, default=math.nan), 2),
    )


def histogram(samples: Iterable[Sample], *, bars: int = 12, width: int = 40) -> list[str]:
    """How long answers took, as rows of a picture: each row's upper end is 1.5 times the one before."""
    took = sorted(sample.seconds * 1000 for sample in samples if sample.outcome == ANSWERED)
    if not took:
        return []
    edges = [took[0] * 1.0001]
    while edges[-1] < took[-1] and len(edges) < bars:
        edges.append(edges[-1] * 1.5)
    edges[-1] = max(edges[-1], took[-1])
    counts = [0] * len(edges)
    for value in took:
        counts[next(number for number, edge in enumerate(edges) if value <= edge)] += 1
    most = max(counts)
    return [
        f"{edge:>9.1f} ms  {'#' * math.ceil(count / most * width) if count else ''} {count}"
        for edge, count in zip(edges, counts, strict=True)
    ]


Send = Callable[[], tuple[str, str, str]]
"""Sends one request; gives the outcome, the variant, and what was said of an error."""


def run(
    send: Send, *, seconds: float, clients: int, rate: float | None = None, stop: threading.Event | None = None
) -> list[Sample]:
    """Send requests for so long, by so many clients at once.

    At a rate, a request that waits for a free client has begun when it should have: a slow endpoint cannot hide its
    latency by slowing its callers. Without one, each client sends its next request when it has its answer.
    """
    ended = threading.Event() if stop is None else stop
    began, lock, samples = time.perf_counter(), threading.Lock(), list[Sample]()
    taken = iter(range(1 << 60))

    def client() -> None:
        while not ended.is_set():
            now = time.perf_counter() - began
            due = now
            if rate is not None:
                with lock:
                    due = next(taken) / rate
                if due >= seconds or ended.wait(max(due - now, 0)):
                    return
            elif now >= seconds:
                return
            outcome, variant, detail = send()
            took = time.perf_counter() - began - due
            with lock:
                samples.append(Sample(began=due, seconds=took, outcome=outcome, variant=variant, detail=detail))

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(samples, key=lambda sample: sample.began)


def sender(aws: Aws, endpoint_name: str, request: Request, *, clients: int) -> Send:
    """Sends a request and retries nothing: what a caller without patience sees."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=clients)
    client: Any = aws.session.client("sagemaker-runtime", config=config)
    given = request.fields(endpoint_name)

    def send() -> tuple[str, str, str]:
        try:
            found = client.invoke_endpoint(**given)
            found["Body"].read()
        except ClientError as error:
            told = error.response["Error"]
            outcome = MODEL_ERROR if told["Code"] == "ModelError" else LOST
            return outcome, "", f"{told['Code']}: {told.get('Message', '')}"[:200]
        except (BotoCoreError, OSError) as error:
            return LOST, "", f"{type(error).__name__}: {error}"[:200]
        return ANSWERED, str(found.get("InvokedProductionVariant", "")), ""

    return send
