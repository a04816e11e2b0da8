"""The handlers' AWS clients: created once per service, safe to use from many threads."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from shardyard.spec.catalogue.service_jobs import TRAINING, ServiceJob

T = TypeVar("T")
R = TypeVar("R")

THREADS = 32
"""The most calls that a handler makes at once: they wait for the network, not for the processor."""

Clients = Callable[[str], Any]
"""Returns the client of a service by botocore's name; tests pass a function that returns fakes."""

_made: dict[str, Any] = {}
_lock = threading.Lock()
_RETRIES = {"service-quotas": {"mode": "adaptive", "max_attempts": 10}}  # it answers few calls a second
_REGIONS = {"pricing": "us-east-1"}  # the Pricing API has endpoints in a few regions, for all regions


def clients(service: str) -> Any:
    """The client of a service, cached for the life of the function's environment."""
    with _lock:
        if service not in _made:
            retries: Any = _RETRIES.get(service, {"mode": "standard", "max_attempts": 5})
            config = Config(max_pool_connections=THREADS, retries=retries)
            _made[service] = boto3.client(service, region_name=_REGIONS.get(service), config=config)
        return _made[service]


def error_code(error: ClientError) -> str:
    """The error code of a failed call: `ThrottlingException`, `ValidationException`, ..."""
    return str(error.response.get("Error", {}).get("Code", ""))


def describe_job(sagemaker: Any, name: str, of: ServiceJob = TRAINING) -> dict[str, Any] | None:
    """Describe a job; None if there is none of that name."""
    try:
        return of.describe(sagemaker, name)
    except ClientError as error:
        # SageMaker answers ValidationException, not ResourceNotFound, for a name that it does not know.
        if error_code(error) in ("ValidationException", "ResourceNotFound") and "not found" in str(error).lower():
            return None
        raise


def in_parallel(call: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
    """Make one call per item, all at the same time, and return the answers in order; the first error is raised."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return list(pool.map(call, items))
