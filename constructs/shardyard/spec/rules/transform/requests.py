"""Rules about how a transform job makes requests of records."""

from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.rules.transform.jobs import API
from shardyard.spec.transform.plan import DEFAULT_PAYLOAD_MB

MOST_MB = 100


@rule(
    "batch-strategy-needs-records",
    of=TransformSpec,
    reason="SageMaker refuses a strategy for objects that are not split.",
    source=f"{API}: BatchStrategy, `you must set the SplitType property to Line, RecordIO, or TFRecord`",
)
def batch_strategy_needs_records(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A batching strategy is for an input that is split into records."""
    for name, one in spec.inputs.items():
        if spec.batching.strategy is not None and one.split == "None":
            message = f"inputs.{name} is not split into records (set its split to Line, RecordIO or TFRecord)"
            yield Problem("batching.strategy", message)


@rule(
    "payloads-in-flight",
    of=TransformSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: MaxPayloadInMB, `(MaxConcurrentTransforms * MaxPayloadInMB) also cannot exceed 100 MB`",
)
def payloads_in_flight(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """The bodies that an instance gets at a time have at most 100 MB together."""
    batching = spec.batching
    if batching.max_concurrent is None:
        return
    payload = DEFAULT_PAYLOAD_MB if batching.max_payload_mb is None else batching.max_payload_mb
    together = batching.max_concurrent * payload
    if together > MOST_MB:
        message = f"{batching.max_concurrent} requests of {payload} MB are {together} MB (100 or fewer together)"
        yield Problem("batching.max_concurrent", message)


@rule(
    "chunks-are-of-whole-objects",
    of=TransformSpec,
    reason="Without a limit there is nothing to fill a request up to.",
    source=f"{API}: MaxPayloadInMB 0 is for payloads `transmitted using HTTP chunked encoding`",
)
def chunks_are_of_whole_objects(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A job that sends bodies in chunks has either whole objects or single records in them."""
    for name, one in spec.inputs.items():
        if spec.batching.max_payload_mb == 0 and one.split != "None" and spec.batching.strategy != "SingleRecord":
            message = f"0 is without limit, and inputs.{name} packs records up to it (give a size, or SingleRecord)"
            yield Problem("batching.max_payload_mb", message)
