"""Looks at the sources of all mappings, and has a batch read where something has come."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from moto.awslambda.models import lambda_backends

from embedded import clock
from embedded.bus import sources
from embedded.kept import parts
from embedded.services.lambda_.event_sources import queues, streams
from embedded.services.lambda_.event_sources.mappings import MAPPINGS, SourceMapping, started
from embedded.services.lambda_.operations import RealFunction

_LOOK_SECONDS = 0.1
_AT_ONCE = 2
"""How many batches of a queue are under way at most; the service begins with five, and takes more."""
_PAUSE_SECONDS = 5.0
"""How long a mapping rests, by the cloud's clock, after a batch that could not even be read."""

log = logging.getLogger(__name__)
_batch: Mapping[str, Callable[[SourceMapping, RealFunction], None]] = {"sqs": queues.batch, "dynamodb": streams.batch}
_running: Counter[str] = Counter()
_since: dict[str, float] = {}
"""When a mapping with a batching window saw the first of what lies there."""
_rests: dict[str, float] = {}
_lock = threading.Lock()


def _run() -> None:
    started.wait()
    pause = threading.Event()
    while not pause.wait(_LOOK_SECONDS):
        for mapping in list(MAPPINGS.values()):
            if _is_due(mapping):
                with _lock:
                    _running[mapping.uuid] += 1
                threading.Thread(target=_one, args=(mapping,), name=f"source {mapping.uuid}", daemon=True).start()


def _is_due(mapping: SourceMapping) -> bool:
    most = 1 if mapping.kind != "sqs" or mapping.source_arn.endswith(".fifo") else _AT_ONCE
    if not mapping.enabled or _running[mapping.uuid] >= most or _rests.get(mapping.uuid, 0.0) > clock.seconds():
        return False
    there = sources.look(mapping.source_arn)
    waiting = 0 if there is None else there if mapping.kind == "sqs" else there - mapping.seen
    if waiting <= 0:
        _since.pop(mapping.uuid, None)
        return False
    window = float(mapping.settings["MaximumBatchingWindowInSeconds"])
    first = _since.setdefault(mapping.uuid, clock.seconds())
    if waiting < mapping.batch_size and clock.seconds() - first < window:
        return False
    _since.pop(mapping.uuid, None)
    return True


def _one(mapping: SourceMapping) -> None:
    try:
        parts.touch()
        backend = lambda_backends[mapping.account][mapping.region]
        qualifier = mapping.function_arn.split(":")[7] if mapping.function_arn.count(":") > 6 else None
        function = backend.get_function(mapping.function_arn, qualifier)
        _batch[mapping.kind](mapping, function)
    except Exception as error:
        mapping.result = f"PROBLEM: {error}"
        log.warning("%s could not be read for %s: %s", mapping.source_arn, mapping.function_arn, error)
        _rests[mapping.uuid] = clock.seconds() + _PAUSE_SECONDS
    finally:
        with _lock:
            _running[mapping.uuid] -= 1


threading.Thread(target=_run, name="event-sources", daemon=True).start()
