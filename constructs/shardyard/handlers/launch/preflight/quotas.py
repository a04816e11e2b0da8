"""Whether the account's quotas allow this launch: what it needs, what is applied, what is in use now."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight.usage import Usage
from shardyard.handlers.resources.quota_codes.index import codes
from shardyard.handlers.service_quotas import quotas as list_quotas
from shardyard.spec import names
from shardyard.spec.catalogue.quotas import PER_JOB

_codes: dict[str, dict[str, str]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One quota that a launch counts against."""

    name: str
    needed: int
    applied: float | None
    """None if the value is unknown."""
    used: int
    used_at_least: bool

    @property
    def never(self) -> bool:
        """Whether the launch can never fit, however long it waits."""
        return self.applied is not None and self.needed > self.applied

    @property
    def now(self) -> bool:
        """Whether it fits beside the current use."""
        return self.applied is None or self._held + self.needed <= self.applied

    @property
    def _held(self) -> int:
        """The amount in use; a limit per job has none, since each job has its own."""
        return 0 if self.name in PER_JOB else self.used

    def said(self) -> str:
        """The line as a sentence."""
        if self.applied is None:
            return f"the quota {self.name!r} could not be read, so it is unknown whether {self.needed} fit"
        if self.never:
            more = f"{_plain(self.needed - self.applied)} more are needed"
            return f"the quota {self.name!r} is {_plain(self.applied)} and this launch needs {self.needed}: {more}"
        least = "at least " if self.used_at_least else ""
        short = self._held + self.needed - self.applied
        return (
            f"the quota {self.name!r} is {_plain(self.applied)}, {least}{self._held} are in use and this launch needs "
            f"{self.needed}: {_plain(short)} too many now"
        )


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def read_codes(bucket: str, clients: aws.Clients) -> Mapping[str, str]:
    """The map from quota name to code: as stored at deploy, else resolved now and cached."""
    if bucket not in _codes:
        try:
            kept = clients("s3").get_object(Bucket=bucket, Key=names.QUOTA_CODES_KEY)
            _codes[bucket] = json.loads(kept["Body"].read())
        except ClientError as error:
            if aws.error_code(error) not in ("NoSuchKey", "404", "AccessDenied"):
                raise
            _codes[bucket] = codes(list_quotas(clients("service-quotas"), "sagemaker"))
    return _codes[bucket]


def read_values(wanted: Iterable[str], known: Mapping[str, str], clients: aws.Clients) -> dict[str, float | None]:
    """The applied value of each quota, else AWS's default."""
    found = list(wanted)
    client = clients("service-quotas")
    values = aws.in_parallel(lambda name: _value(client, known.get(name)), found)
    return dict(zip(found, values, strict=True))


def _value(client: Any, code: str | None) -> float | None:
    if code is None:
        return None
    for read in (client.get_service_quota, client.get_aws_default_service_quota):
        try:
            return float(read(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["Value"])
        except ClientError as error:
            if aws.error_code(error) != "NoSuchResourceException":
                raise
    return None


def lines(needed: Mapping[str, int], values: Mapping[str, float | None], usage: Usage) -> list[Line]:
    """Each quota that one cluster needs, with its applied value and its use."""
    return [
        Line(
            name=name,
            needed=amount,
            applied=values.get(name),
            used=usage.used.get(name, 0),
            used_at_least=usage.at_least,
        )
        for name, amount in needed.items()
    ]


def blocked_for_ever(found: Sequence[Line]) -> list[str]:
    """The quotas that the launch can never fit into, as sentences."""
    return [line.said() for line in found if line.never]


def blocked_now(found: Sequence[Line]) -> list[str]:
    """The quotas that the launch does not fit into now, as sentences."""
    return [line.said() for line in found if not line.now]


def unknown(found: Sequence[Line]) -> list[str]:
    """The quotas that could not be read, as sentences."""
    return [line.said() for line in found if line.applied is None]
