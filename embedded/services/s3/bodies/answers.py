"""GetObject and HeadObject, as far as a request asks for less than the object: conditions, a range or a part.

moto answers with the whole object; here its answer is narrowed, as S3 documents it and RFC 9110 says.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import InvalidRange, PreconditionFailed, S3ClientError
from moto.s3.responses import S3Response
from werkzeug.datastructures import Headers

from embedded import moto_patches
from embedded.services.s3.bodies.keys import with_bodies

Answer = tuple[int, dict[str, Any], Any]
_CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_RANGE = re.compile(r"bytes\s*=\s*(\d*)-(\d*)\s*")
_OF_THE_WHOLE = "x-amz-checksum-"


def failed_condition(asked: Mapping[str, str], headers: Mapping[str, Any]) -> tuple[int, str] | None:
    """The status and the condition that does not hold, or None where the object is to be sent."""
    etag, modified = headers["ETag"], parsedate_to_datetime(headers["last-modified"])
    if "If-Match" in asked:
        if not _names(asked["If-Match"], etag):
            return 412, "If-Match"
    elif _is_after(modified, asked.get("If-Unmodified-Since"), otherwise=False):
        return 412, "If-Unmodified-Since"
    if "If-None-Match" in asked:
        return (304, "If-None-Match") if _names(asked["If-None-Match"], etag) else None
    return None if _is_after(modified, asked.get("If-Modified-Since"), otherwise=True) else (304, "If-Modified-Since")


def range_of(asked: Mapping[str, str], headers: Mapping[str, Any]) -> tuple[int, int] | None:
    """The first byte and the one behind the last, or None for all: several ranges and what is no range are ignored.

    Raises InvalidRange where there is no such byte.
    """
    text = asked.get("Range", "")
    match, size = _RANGE.fullmatch(text), int(headers["content-length"])
    if match is None or match.groups() == ("", "") or not _if_range(asked, headers):
        return None
    first, last = match.groups()
    if first == "":
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), size if last == "" else min(int(last) + 1, size)
        if last != "" and int(last) < begin:
            return None
    if begin >= size:
        raise InvalidRange(range_requested=text, actual_size=str(size))
    return begin, end


def part_of(number: int, sizes: tuple[int, ...], size: int) -> tuple[int, int]:
    """The first byte of a part and the one behind its last; an object that came in one piece is its own only part."""
    parts = sizes if sizes else (size,)
    if not 1 <= number <= len(parts):
        raise _PartNotSatisfiable(len(parts))
    begin = sum(parts[: number - 1])
    return begin, begin + parts[number - 1]


class _PartNotSatisfiable(S3ClientError):  # type: ignore[misc]
    code = "InvalidPartNumber"

    def __init__(self, parts: int) -> None:
        super().__init__(f"The requested partnumber is not satisfiable: the object has {parts}")


class _RangeAndPart(S3ClientError):  # type: ignore[misc]
    code = "InvalidRequest"

    def __init__(self) -> None:
        super().__init__("Cannot specify both Range header and partNumber query parameter")


def _names(tags: str, etag: str) -> bool:
    """Whether a condition's list of tags has this one; S3 takes tags without quotes too."""
    listed = [tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")]
    return "*" in listed or etag.strip('"') in listed


def _is_after(modified: datetime, asked: str | None, *, otherwise: bool) -> bool:
    """Whether the object is younger than a condition's date; one that cannot be read is ignored, as RFC 9110 says."""
    if asked is None:
        return otherwise
    try:
        return modified > parsedate_to_datetime(asked)
    except (ValueError, TypeError):
        return otherwise


def _if_range(asked: Mapping[str, str], headers: Mapping[str, Any]) -> bool:
    """Whether the range is still one of the object that the client has a part of."""
    validator = asked.get("If-Range")
    if validator is None:
        return True
    return validator.strip() in (headers["ETag"], headers["last-modified"])


def _narrowed(self: S3Response, asked: Mapping[str, str], part: str | None, headers: dict[str, Any]) -> Answer | None:
    """Everything but the content, which is what `headers` says of the range; None where all of it is to be sent."""
    if part is not None and "Range" in asked:
        raise _RangeAndPart()
    if part is None:
        wanted = range_of(asked, headers)
    else:
        upload = _object(self).multipart
        sizes = () if upload is None else upload.sizes
        wanted = part_of(int(part), sizes, int(headers["content-length"]))
        if sizes:
            headers["x-amz-mp-parts-count"] = str(len(sizes))
    if wanted is None:
        return None
    begin, end = wanted
    size = int(headers["content-length"])
    if end - begin < size:
        for name in [name for name in headers if name.startswith(_OF_THE_WHOLE)]:
            del headers[name]
    if size > 0:
        headers["content-range"] = f"bytes {begin}-{end - 1}/{size}"
    headers["content-length"] = str(end - begin)
    return 206, headers, wanted


def _object(self: S3Response) -> Any:
    version = self.querystring.get("versionId", [None])[0]
    return self.backend.get_object(self.bucket_name, self.parse_key_name(), version_id=version)


def _say_kind_of_checksum(self: S3Response, headers: dict[str, Any]) -> None:
    """moto tells a composite checksum as if it were the whole object's, and of the whole object's it says no kind."""
    if not any(name.startswith(_OF_THE_WHOLE) for name in headers):
        return
    found = _object(self)
    name = f"{_OF_THE_WHOLE}{str(found.checksum_algorithm).lower()}"
    if name in headers:
        headers["x-amz-checksum-type"] = "FULL_OBJECT" if found.checksum_type is None else found.checksum_type
        if found.checksum_type == "COMPOSITE":
            headers[name] = f"{found.checksum_value}-{found.checksum_parts}"


def _asked(self: S3Response) -> tuple[dict[str, str], str | None]:
    """What the request asks for less than the whole, taken away from what moto sees."""
    asked = {name: self.headers[name] for name in (*_CONDITIONS, "Range", "If-Range") if self.headers.get(name)}
    self.headers = Headers([item for item in self.headers.items() if item[0].title() not in _CONDITIONS])
    part = self.querystring.pop("partNumber", [None])[0]
    return asked, part


def _not_modified(headers: dict[str, Any]) -> Answer:
    return 304, {name: value for name, value in headers.items() if not name.lower().startswith("content-")}, ""


def _get_object(self: S3Response) -> Answer:
    asked, part = _asked(self)
    _, headers, body = _moto_get(self)
    _say_kind_of_checksum(self, headers)
    failed = failed_condition(asked, headers)
    if failed is not None:
        status, condition = failed
        if status == 412:
            raise PreconditionFailed(condition)
        return _not_modified(headers)
    try:
        narrowed = _narrowed(self, asked, part, headers)
    except _PartNotSatisfiable as error:
        # botocore's model has no such error, and without one it would be a 400
        return 416, *self.serialized(ActionResult(error))[1:]
    if narrowed is None:
        return 200, headers, body
    status, headers, (begin, end) = narrowed
    return status, headers, body[begin:end]


def _head_object(self: S3Response, bucket_name: str, query: Any, key_name: str, headers: Any) -> Answer:
    asked, part = _asked(self)
    without = {name: value for name, value in query.items() if name != "partNumber"}
    status, found, body = _moto_head(self, bucket_name, without, key_name, self.headers)
    if status != 200:
        return status, found, body
    _say_kind_of_checksum(self, found)
    failed = failed_condition(asked, found)
    if failed is not None:
        return _not_modified(found) if failed[0] == 304 else (412, found, "")
    try:
        narrowed = _narrowed(self, asked, part, found)
    except (InvalidRange, _PartNotSatisfiable):
        return 416, {"Content-Type": "application/xml"}, ""
    return (200, found, "") if narrowed is None else (narrowed[0], narrowed[1], "")


def _put_object(self: S3Response) -> Answer:
    status, headers, body = _moto_put(self)
    if any(name.lower().startswith(_OF_THE_WHOLE) for name in headers):
        headers = {**headers, "x-amz-checksum-type": "FULL_OBJECT"}
    return status, headers, body


def _as_answered(self: S3Response, request: Any, headers: dict[str, Any], content: Any) -> Answer:
    return 200, headers, content


_moto_put = S3Response.put_object
_moto_get, _moto_head = with_bodies(S3Response.get_object), S3Response.head_object
_WHY = "its ranges, parts and conditions are others than S3's, and it reads the whole object for each"
moto_patches.replace(S3Response, "put_object", _put_object, reason="it does not say what its checksum is of")
moto_patches.replace(S3Response, "get_object", _get_object, reason=_WHY)
moto_patches.replace(S3Response, "head_object", _head_object, reason=_WHY)
moto_patches.replace(S3Response, "_handle_range_header", _as_answered, reason=_WHY)
