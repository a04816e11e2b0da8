"""How one transform job treats its objects, and the way of an object through it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from shardyard.spec.transform import columns, paths
from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.formats import CSV, JSON, media_type, read_json, read_row, write_json, write_row
from shardyard.spec.transform.packing import MEBIBYTE, Strategy, fill, pack
from shardyard.spec.transform.records import Split, lines, split

DEFAULT_PAYLOAD_MB = 6
RESULT = "SageMakerOutput"
"""The attribute that a join adds to a JSON record."""
SOURCE = "SageMakerInput"
"""The attribute of a JSON record that is no object itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """The body of one request, and the records that it carries, in the order of the object."""

    records: Sequence[bytes]
    """What each says: there are hundreds of thousands, and a `Record` of each would take longer than to send them."""
    body: bytes
    are_plain: bool
    """Whether they are rows of CSV whose columns commas alone tell apart: those need not be read one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the request, the container and the defaults say together."""

    split: Split = "None"
    strategy: Strategy = "MultiRecord"
    payload_mb: int = DEFAULT_PAYLOAD_MB
    """0: without limit, sent in chunks."""
    assemble: Literal["None", "Line"] = "None"
    content_type: str = ""
    accept: str = ""
    input_filter: str = "$"
    join: Literal["Input", "None"] = "None"
    output_filter: str = "$"

    @classmethod
    def of(cls, request: Mapping[str, Any], strategy: Strategy, payload_mb: int) -> Self:
        """What a CreateTransformJob request says; the last two may be the container's own."""
        source, output = request["TransformInput"], request["TransformOutput"]
        processing = request.get("DataProcessing", {})
        return cls(
            split=cast(Split, source.get("SplitType", "None")),
            strategy=strategy,
            payload_mb=payload_mb,
            assemble=output.get("AssembleWith", "None"),
            content_type=source.get("ContentType", ""),
            accept=output.get("Accept", ""),
            input_filter=processing.get("InputFilter", "$"),
            join=processing.get("JoinSource", "None"),
            output_filter=processing.get("OutputFilter", "$"),
        )

    @property
    def processes(self) -> bool:
        """Whether records are looked into: filtered or joined."""
        return self.join == "Input" or self.input_filter != "$" or self.output_filter != "$"

    @property
    def written(self) -> str:
        """The content type of a result: joined, it is the input's with the answers put in."""
        return self.content_type if self.join == "Input" else self.accept

    def payloads(self, data: bytes) -> Iterator[Payload]:
        """The requests that an object makes."""
        said, plain, packed = self._packed(data)
        first = 0
        for count, body in packed:
            yield Payload(records=said[first : first + count], body=body, are_plain=plain)
            first += count

    def _packed(self, data: bytes) -> tuple[Sequence[bytes], bool, Iterator[tuple[int, bytes]]]:
        """What the records say, whether all are plain, and the number of records and the body of each payload."""
        most = None if self.payload_mb == 0 else self.payload_mb * MEBIBYTE
        if self.split == "Line":
            said, text = lines(data), data
        else:
            records = split(data, self.split)
            said = [record.data for record in records]
            if not self.processes:
                return said, False, pack(records, how=self.split, strategy=self.strategy, most_bytes=most)
            text = b"\n".join(said)
        plain = self.processes and media_type(self.content_type) == CSV and columns.are_plain(said, text)
        if self.split != "Line" and self.input_filter == "$":
            return said, plain, pack(records, how=self.split, strategy=self.strategy, most_bytes=most)
        sent = said if self.input_filter == "$" else self._filtered(said, plain)
        return said, plain, fill(sent, how=self.split, strategy=self.strategy, most_bytes=most)

    def result(self, payload: Payload, answer: bytes) -> bytes:
        """What an answer adds to the `.out` file, joined and filtered."""
        if self.join == "None" and self.output_filter == "$":
            made = answer
        else:
            made = b"\n".join(self._joined(payload, answer))
        return self._ended(made)

    def _ended(self, made: bytes) -> bytes:
        if self.assemble == "None" or made.endswith(b"\n"):
            return made
        return made + b"\n"

    def _filtered(self, records: Sequence[bytes], are_plain: bool) -> list[bytes]:
        path = paths.parse(self.input_filter)
        kept = columns.select(records, path) if are_plain else None
        if kept is not None:
            return kept
        return _numbered(records, lambda record: self._kept(record, path))

    def _kept(self, data: bytes, path: paths.Path) -> bytes:
        if media_type(self.content_type) == CSV:
            return write_row(path.columns(read_row(data, "the input")))
        return write_json(path.select(read_json(data, "the input")))

    def _joined(self, payload: Payload, answer: bytes) -> list[bytes]:
        path = paths.parse(self.output_filter)
        answers = self._answers(answer, len(payload.records))
        joins = self.join == "Input"
        if joins and payload.are_plain and columns.are_plain(answers, answer):
            kept = columns.join(payload.records, answers, path)
            if kept is not None:
                return kept
        make = self._csv_row if media_type(self.written) == CSV else self._json
        records = payload.records if joins else [None] * len(answers)
        return _numbered(list(zip(records, answers, strict=True)), lambda pair: make(pair[0], pair[1], path))

    def _answers(self, answer: bytes, count: int) -> list[bytes]:
        """The answer for each record: one line each, where a request carries several."""
        if self.split == "None" and media_type(self.accept) == JSON:
            return [answer]
        found = answer.removesuffix(b"\n").split(b"\n")
        if self.join == "Input" and len(found) != count:
            if count == 1 and media_type(self.accept) != CSV:
                return [answer]  # one JSON value over several lines
            raise TransformError(
                f"the container answered {len(found)} lines to {count} records, so they cannot be joined "
                "(one line a record, in their order)"
            )
        return found

    @staticmethod
    def _csv_row(record: bytes | None, answer: bytes, path: paths.Path) -> bytes:
        before = [] if record is None else read_row(record, "the input")
        row = [*before, *read_row(answer, "output from the algorithm")]
        return write_row(path.columns(row))

    @staticmethod
    def _json(record: bytes | None, answer: bytes, path: paths.Path) -> bytes:
        result = read_json(answer, "output from the algorithm")
        if record is None:
            return write_json(path.select(result))
        given = read_json(record, "the input")
        joined = {**given, RESULT: result} if isinstance(given, dict) else {SOURCE: given, RESULT: result}
        return write_json(path.select(joined))


def transform(data: bytes, plan: Plan, invoke: Callable[[bytes], bytes]) -> bytes:
    """The `.out` file of one object; `invoke` sends a body to the model's container and returns its answer."""
    return b"".join(plan.result(payload, invoke(payload.body)) for payload in plan.payloads(data))


def output_key(prefix: str, input_prefix: str, key: str) -> str:
    """The key of an object's `.out` file: below the output's prefix as it lay below the input's last slash.

    For a prefix that ends within a name (`in/ra`) the service's own rule is not published; job files refuse one.
    """
    kept = key.removeprefix(input_prefix[: input_prefix.rfind("/") + 1])
    return f"{prefix.rstrip('/')}/{kept}.out" if prefix.strip("/") else f"{kept}.out"


def _numbered(items: Sequence[Any], make: Callable[[Any], bytes]) -> list[bytes]:
    """Make something of every item; what goes wrong names the record, counted from 1."""
    made = []
    for number, item in enumerate(items, 1):
        try:
            made.append(make(item))
        except paths.PathError as error:
            raise TransformError(f"record {number}: {error}") from None
        except TransformError as error:
            raise TransformError(f"record {number}: {error}") from None
    return made
