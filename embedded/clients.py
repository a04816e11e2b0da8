"""boto3 clients on our own endpoint: how the parts of the cloud use one another, through the ordinary API."""

import os
import threading
from typing import Any

import boto3
from botocore.config import Config

from embedded.process.environment import DEFAULT_ACCESS_KEY

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"

_ENDPOINT_VARIABLE = "YARD_CLOUD_ENDPOINT"
_CONFIG = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=120,
    max_pool_connections=32,
    parameter_validation=True,
    s3={"addressing_style": "path"},
)
_lock = threading.Lock()
_cache: dict[tuple[str, str, str], Any] = {}
_session: boto3.session.Session | None = None
_secret = ""


def endpoint() -> str:
    """The endpoint of this process's cloud, `http://localhost:PORT`."""
    return os.environ[_ENDPOINT_VARIABLE]


def serve_at(url: str, *, secret: str) -> None:
    """Say where this process's cloud answers and what its owner signs with, before anything else runs.

    The secret stays out of the environment, which programs that the cloud starts could read.
    """
    global _secret
    os.environ[_ENDPOINT_VARIABLE], _secret = url, secret


def owner_secret() -> str:
    """The secret access key of the accounts' roots: whoever has it owns the cloud."""
    return _secret


def client(service: str, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> Any:
    """A client of `service` as the account's root; made once and shared, as boto3's clients may be."""
    key = (service, account, region)
    with _lock:
        if key not in _cache:
            access_key = DEFAULT_ACCESS_KEY if account == DEFAULT_ACCOUNT else account
            _cache[key] = _make(service, region, access_key, _secret, None)
        return _cache[key]


def session_client(service: str, region: str, *, access_key: str, secret_key: str, token: str | None) -> Any:
    """A client with a role session's credentials (see `embedded.access.sessions`)."""
    with _lock:
        return _make(service, region, access_key, secret_key, token)


def _make(service: str, region: str, access_key: str, secret_key: str, token: str | None) -> Any:
    global _session
    if _session is None:
        _session = boto3.session.Session()
    return _session.client(
        service,
        region_name=region,
        endpoint_url=endpoint(),
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        config=_CONFIG,
    )
