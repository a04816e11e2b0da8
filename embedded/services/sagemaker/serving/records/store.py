"""Records of one kind by account, region and name, with the words that all kinds share."""

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.bus import events
from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError
from embedded.services.sagemaker.listing import is_descending, page_of, within
from embedded.services.sagemaker.tags import Tags, taggable


@dataclass(kw_only=True, slots=True)
class Record:
    """A model or an endpoint configuration."""

    account: str
    region: str
    name: str
    arn: str
    request: dict[str, Any]
    """What Create was asked, without its tags."""
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


class Records:
    """All records of one kind."""

    def __init__(self, *, noun: str, resource: str, words: str) -> None:
        """`noun` as in DescribeEndpointConfig, `resource` as in ARNs, `words` as in messages."""
        self.noun, self.resource, self.words = noun, resource, words
        self._kept: dict[tuple[str, str, str], Record] = {}
        self._lock = threading.Lock()
        parts.keep_contents(f"sagemaker.{resource}", self._kept)
        taggable(self._tags)

    def create(self, call: Call, params: Params) -> Record:
        """Keep what was asked for; a name is taken once."""
        name = params[f"{self.noun}Name"]
        request = {key: value for key, value in params.items() if key != "Tags"}
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        made = Record(
            account=call.account,
            region=call.region,
            name=name,
            arn=self.arn(call, name),
            request=request,
            tags=tags,
        )
        with self._lock:
            if (call.account, call.region, name) in self._kept:
                raise ServiceError("ValidationException", f'Cannot create already existing {self.words} "{made.arn}".')
            self._kept[call.account, call.region, name] = made
        self._announce(made)
        return made

    def arn(self, call: Call, name: str) -> str:
        """The ARN that a record of this name has."""
        partition = get_partition(call.region)
        return f"arn:{partition}:sagemaker:{call.region}:{call.account}:{self.resource}/{name}"

    def get(self, call: Call, name: str) -> Record:
        """The record of this name, or the service's error."""
        found = self._kept.get((call.account, call.region, name))
        if found is None:
            raise ServiceError("ValidationException", f'Could not find {self.words} "{self.arn(call, name)}".')
        return found

    def delete(self, call: Call, name: str) -> None:
        """Forget a record; what was made from it goes on."""
        found = self.get(call, name)
        with self._lock:
            self._kept.pop((call.account, call.region, name), None)
        self._announce(found)

    def describe(self, call: Call, name: str) -> dict[str, Any]:
        """What Describe answers."""
        found = self.get(call, name)
        return {**copy.deepcopy(found.request), f"{self.noun}Arn": found.arn, "CreationTime": found.created}

    def listed(self, call: Call, params: Params) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
        """The page of summaries that List asks for, newest first unless it asks for another order."""
        found = [
            one
            for (account, region, _), one in self._kept.items()
            if (account, region) == (call.account, call.region)
            and within(params, name=one.name, status="", created=one.created, modified=one.created)
        ]
        by_name = params.get("SortBy") == "Name"
        found.sort(
            key=lambda one: (one.name if by_name else one.created.isoformat(), one.name),
            reverse=is_descending(params, "Descending"),
        )
        shown, more = page_of(found, params)
        return [
            {f"{self.noun}Name": one.name, f"{self.noun}Arn": one.arn, "CreationTime": one.created} for one in shown
        ], more

    def _announce(self, record: Record) -> None:
        """Models tell of their creation and deletion."""
        if self.noun != "Model":
            return
        detail = {**_plain(record.request), "ModelArn": record.arn, "Tags": dict(record.tags)}
        detail["CreationTime"] = int(record.created.timestamp() * 1000)
        event = {"source": "aws.sagemaker", "detail-type": "SageMaker Model State Change", "detail": detail}
        events.publish(record.account, record.region, event | {"resources": [record.arn]})

    def _tags(self, call: Call, arn: str) -> Tags | None:
        if f":{self.resource}/" not in arn:
            return None
        return RecordTags(self.get(call, arn.rpartition("/")[2]))


class RecordTags(Tags):
    """The tags of anything that has a dict of them."""

    def __init__(self, record: Any) -> None:
        self._record = record

    def read(self) -> dict[str, str]:
        return dict(self._record.tags)

    def write(self, tags: dict[str, str]) -> None:
        self._record.tags = dict(tags)


def _plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """Without the variables of containers, which may hold secrets."""
    hidden = {"PrimaryContainer", "Containers"}
    return {key: value for key, value in request.items() if key not in hidden}


models = Records(noun="Model", resource="model", words="model")
configs = Records(noun="EndpointConfig", resource="endpoint-config", words="endpoint configuration")
