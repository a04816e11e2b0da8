"""The password of a log-in: who got it, for which registry, and until when, signed by the cloud.

The registry does in its holder's name what ECR's operations do, so that a role may push no more than its policies say.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from embedded import clients
from embedded.access import sessions
from embedded.operations import Call, Params, ServiceError, operation

_SECONDS = 12 * 3600
_USER = "AWS"


class NoEntry(Exception):
    """Why a log-in is refused."""


def address() -> str:
    """Where docker finds the registry: dockerd takes plain HTTP from an address of the loopback."""
    return f"127.0.0.1:{urlsplit(clients.endpoint()).port}"


@operation("ecr", "GetAuthorizationToken")
def issue(call: Call, params: Params) -> Mapping[str, Any]:
    """A password for each registry that is asked for, by default the caller's own."""
    if call.access_key is None:
        raise ServiceError("AccessDeniedException", "an authorization token is for who signs the request")
    expires = int(time.time()) + _SECONDS
    data = []
    for account in params.get("registryIds") or [call.account]:
        said = {"key": call.access_key, "region": call.region, "account": account, "expires": expires}
        text = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        token = f"{_USER}:{text}.{_signature(text)}"
        data.append(
            {
                "authorizationToken": base64.b64encode(token.encode()).decode(),
                "expiresAt": datetime.fromtimestamp(expires, UTC),
                "proxyEndpoint": f"http://{address()}",
            }
        )
    return {"authorizationData": data}


def _signature(text: str) -> str:
    return hmac.new(clients.owner_secret().encode(), f"registry {text}".encode(), hashlib.sha256).hexdigest()


def client_of(authorization: str) -> tuple[Any, str, str]:
    """ECR in the name of who logs in so, with the registry's account and region."""
    kind, _, encoded = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise NoEntry("the log-in is not of the form Basic") from None
    text, _, signature = password.partition(".")
    signed = hmac.compare_digest(_signature(text).encode(), signature.encode())
    if kind.lower() != "basic" or user != _USER or not signed:
        raise NoEntry("log in with the user AWS and a password of `aws ecr get-login-password`")
    said = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if said["expires"] < time.time():
        raise NoEntry("Your authorization token has expired. Reauthenticate and try again.")
    key = sessions.find_key(said["key"], said["region"])
    if key is None or key.has_expired:
        raise NoEntry("who got this password exists no more; log in again")
    client = clients.session_client(
        "ecr", said["region"], access_key=said["key"], secret_key=key.secret, token=key.token
    )
    return client, said["account"], said["region"]
