"""Data capture of a transform job: lists of its objects below the hour of its start, and ids for its records.

As the developer guide has it: nothing is copied, and what monitors the model finds the objects by the lists.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from embedded.nodes.locations import Location
from embedded.services.sagemaker.transform.objects import Source
from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.formats import CSV, JSON, media_type, read_json
from shardyard.spec.transform.plan import output_key

_ID, _TIME = "SageMakerInferenceId", "SageMakerInferenceTime"
_WHOSE = "output from the algorithm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """What a request asks for."""

    target: Location
    key: str
    """The key that encrypts the lists; empty for the bucket's own."""
    started: datetime
    """When the job began: the lists' hour, and the time of each record."""
    identifies: bool
    """Whether each record of the output gets an id."""

    @classmethod
    def of(cls, request: Mapping[str, Any], started: datetime) -> Self | None:
        """What a CreateTransformJob request says, if it captures anything."""
        config = request.get("DataCaptureConfig")
        if config is None:
            return None
        return cls(
            target=Location.parse(config["DestinationS3Uri"]),
            key=config.get("KmsKeyId", ""),
            started=started.astimezone(UTC),
            identifies=bool(config.get("GenerateInferenceId")),
        )

    def manifests(self, sources: Sequence[Source], output_uri: str) -> dict[str, bytes]:
        """The list of the objects that were transformed and the list of their results, each by its key."""
        if not sources:
            return {}
        first, output = sources[0], Location.parse(output_uri)
        folder = first.below[: first.below.rfind("/") + 1]
        names = [one.key.removeprefix(folder) for one in sources]
        results = [output_key("", one.below, one.key) for one in sources]
        prefix = f"{output.key.rstrip('/')}/".lstrip("/")
        return {
            self._place("input"): _manifest(f"s3://{first.bucket}/{folder}", names),
            self._place("output"): _manifest(f"s3://{output.bucket}/{prefix}", results),
        }

    def _place(self, side: str) -> str:
        below = f"{self.target.key.rstrip('/')}/".lstrip("/")
        return f"{below}{side}/{self.started:%Y/%m/%d/%H}/{uuid.uuid4()}.jsonl"

    def identified(self, made: bytes, kind: str) -> bytes:
        """A result whose every record has an id of its own and the time of the job's start."""
        if not self.identifies:
            return made
        end = b"\n" if made.endswith(b"\n") else b""
        add = self._to_row if media_type(kind) == CSV else self._to_object
        found = []
        for number, record in enumerate(_records(made, kind), 1):
            try:
                found.append(add(record))
            except TransformError as error:
                raise TransformError(f"record {number}: {error}") from None
        return b"\n".join(found) + end

    def _to_row(self, record: bytes) -> bytes:
        return b",".join((record, *(word.encode() for word in self._identity().values())))

    def _to_object(self, record: bytes) -> bytes:
        value = read_json(record, _WHOSE)
        if not isinstance(value, dict):
            raise TransformError(f"{record[:80].decode(errors='replace')} is no JSON object, which {_ID} is added to")
        return json.dumps(value | self._identity(), ensure_ascii=False).encode()

    def _identity(self) -> dict[str, str]:
        return {_ID: str(uuid.uuid4()), _TIME: f"{self.started:%Y-%m-%dT%H:%M:%SZ}"}


def _records(made: bytes, kind: str) -> list[bytes]:
    """One a line; but one JSON value may go over several."""
    if media_type(kind) == JSON:
        try:
            read_json(made, _WHOSE)
            return [made]
        except TransformError:
            pass
    return made.removesuffix(b"\n").split(b"\n")


def _manifest(prefix: str, names: Sequence[str]) -> bytes:
    return json.dumps([{"prefix": prefix}, *names], separators=(",", ":")).encode() + b"\n"
