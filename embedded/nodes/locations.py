"""S3 locations, in both forms that the API accepts."""

import re
from dataclasses import dataclass
from typing import Self

from embedded.operations import ServiceError

_HTTPS = re.compile(r"https://(?:s3[.-][^/]+/(?P<bucket>[^/]+)|(?P<host>[^/]+?)\.s3[.-][^/]+)/?(?P<key>.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A bucket with a key or a key prefix."""

    bucket: str
    """The bucket's name."""
    key: str
    """The key or prefix; may be empty."""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Parse `s3://bucket/key`, or the https form that some tools write."""
        if uri.startswith("s3://"):
            bucket, _, key = uri[5:].partition("/")
            return cls(bucket=bucket, key=key)
        match = _HTTPS.fullmatch(uri)
        if match is None:
            raise ServiceError("ValidationException", f"The S3 URI {uri!r} is not of the form s3://bucket/key.")
        return cls(bucket=match["bucket"] or match["host"], key=match["key"])

    def below(self, path: str) -> Self:
        """The location of `path` in this one as a folder."""
        prefix = self.key.rstrip("/")
        return type(self)(bucket=self.bucket, key=f"{prefix}/{path}" if prefix else path)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
