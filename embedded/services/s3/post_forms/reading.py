"""A form as it comes over the wire: its fields up to the file, and the file on disk."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import get_input_stream

from embedded.services.s3.post_forms.errors import Refused, missing

_CHUNK_BYTES = 1 << 20
_MOST_FIELD_BYTES = 20_480
"""S3 takes no more in all fields together."""


@dataclass(kw_only=True, slots=True)
class Form:
    """What was sent."""

    fields: dict[str, str] = field(default_factory=dict)
    """By lower-case name; what comes after the file is ignored, as S3 ignores it."""
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    size: int = 0
    filename: str | None = None
    """What the browser calls the file; None until the file has begun."""
    _name: str | None = None
    """The field that is being read; None while the file is."""
    _held: bytes = b""

    def take(self, event: Event) -> None:
        """Take the next piece."""
        if isinstance(event, File) and event.name.lower() == "file":
            if self.filename is not None:
                raise _one_file()
            self._name, self.filename = None, event.filename
        elif isinstance(event, Field | File):
            self._name, self._held = event.name.lower(), b""
        elif isinstance(event, Data):
            self._take_data(event)

    def _take_data(self, event: Data) -> None:
        if self._name is None:
            self.file.write(event.data)
            self.size += len(event.data)
        elif self.filename is None:
            self._held += event.data
            if len(self._held) > _MOST_FIELD_BYTES:
                text = "Your POST request fields preceding the upload file were too large."
                raise Refused("MaxPostPreDataLengthExceeded", text)
            if not event.more_data:
                self.fields[self._name] = self._held.decode("utf-8", "replace")


def read(environ: dict[str, Any]) -> Form:
    """Read a form; the file goes to disk."""
    form = Form()
    for event in _events(environ):
        form.take(event)
    if form.filename is None:
        raise _one_file()
    if "key" not in form.fields:
        raise missing("key")
    form.file.seek(0)
    form.fields["key"] = form.fields["key"].replace("${filename}", form.filename)
    return form


def _events(environ: dict[str, Any]) -> Iterator[Event]:
    _, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    decoder = MultipartDecoder(options.get("boundary", "").encode())
    stream = get_input_stream(environ)
    try:
        while True:
            chunk = stream.read(_CHUNK_BYTES)
            decoder.receive_data(chunk if chunk else None)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
            if isinstance(event, Epilogue):
                return
    except ValueError as error:
        text = f"The body of your POST request is not well-formed multipart/form-data. ({error})"
        raise Refused("MalformedPOSTRequest", text) from error


def _one_file() -> Refused:
    text = "POST requires exactly one file upload per request."
    return Refused("InvalidArgument", text, ArgumentName="file", ArgumentValue="0")
