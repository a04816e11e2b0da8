"""One asynchronous inference that waits, or is on its way."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded import clock

DEFAULT_TTL_SECONDS = 21_600
DEFAULT_TIMEOUT_SECONDS = 900


@dataclass(kw_only=True, slots=True)
class Item:
    """One inference."""

    account: str
    region: str
    endpoint: str
    inference_id: str
    headers: Mapping[str, str]
    """For the container."""
    input_location: str | None
    """Where the body lies; None for one that came with the request."""
    body: bytes
    output: str
    """Where the result goes."""
    failure: str | None
    """Where the reason of a failure goes, if anywhere."""
    ttl_seconds: float = DEFAULT_TTL_SECONDS
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    received: float = field(default_factory=time.time)
    """When it came, by the machine's calendar."""
    entered: float = field(default_factory=clock.seconds)
    """When it came, by the services' clock."""
    attempts: int = 0

    @property
    def age(self) -> float:
        """How long it has been here, in the services' seconds."""
        return clock.seconds() - self.entered

    def request_parameters(self) -> dict[str, Any]:
        """What a notification says of the request."""
        said = {
            "contentType": self.headers.get("Content-Type"),
            "accept": self.headers.get("Accept"),
            "endpointName": self.endpoint,
            "inputLocation": self.input_location,
        }
        return {key: value for key, value in said.items() if value is not None}
