"""The sessions and clients that the cloud uses in the names of the roles that its services are given; kept a while."""

import threading
import time
from typing import Any

from embedded import clients
from embedded.access.sessions import Session, find_key, service_session

_FRESH_SECONDS = 3000.0
_lock = threading.Lock()
_sessions: dict[tuple[str, str, str, str], tuple[float, Session]] = {}
_clients: dict[tuple[str, str, str], Any] = {}


def assume(role_arn: str, *, service: str, session: str, region: str) -> Session:
    """A session of the role for a service (`lambda.amazonaws.com`); a ServiceError where the role does not trust it."""
    key = (role_arn, service, session, region)
    with _lock:
        until, known = _sessions.get(key, (0.0, None))
        if known is not None and until > time.monotonic() and _still_valid(known, region):
            return known
        fresh = service_session(role_arn, service=service, session_name=session, region=region)
        _sessions[key] = (time.monotonic() + _FRESH_SECONDS, fresh)
        return fresh


def _still_valid(session: Session, region: str) -> bool:
    """Whether the cloud still knows the key: it goes with its role."""
    key = find_key(session.access_key, region)
    return key is not None and key.caller.principal == session.principal and not key.has_expired


def client_as(role_arn: str, *, service: str, session: str, api: str, region: str) -> Any:
    """A boto3 client of this cloud in the role's name."""
    credentials = assume(role_arn, service=service, session=session, region=region)
    key = (credentials.access_key, api, region)
    with _lock:
        if key not in _clients:
            _clients[key] = clients.session_client(
                api,
                region,
                access_key=credentials.access_key,
                secret_key=credentials.secret_key,
                token=credentials.token,
            )
        return _clients[key]
