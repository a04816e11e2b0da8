"""Who may call a function URL: everybody whom the function's policy lets in, or signed callers whom IAM allows."""

from collections.abc import Mapping
from typing import Any

from moto.awslambda.policy import Policy
from moto.core.request import Request
from moto.core.utils import get_service_model

from embedded import moto_patches
from embedded.access import authentication, guard
from embedded.access.evaluation.policies import names_principal, speaks_of
from embedded.access.signatures.version4 import SignatureFault
from embedded.operations import ServiceError
from embedded.protocol import Parsed
from embedded.services.lambda_.operations import RealFunction
from embedded.services.lambda_.urls.configs import UrlConfig

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
_ACTIONS = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
"""Both are needed: the second one since October 2025 for new URLs, and since November 2026 for all."""
_moto_decode = Policy.decode_policy


def _decode(self: Any, obj: dict[str, Any]) -> Any:
    """A statement for URLs has its two fields as conditions: moto leaves them beside the others."""
    auth, through = obj.pop("FunctionUrlAuthType", None), obj.pop("InvokedViaFunctionUrl", None)
    decoded = _moto_decode(self, obj)
    if auth is not None:
        obj.setdefault("Condition", {}).setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = auth
    if through is not None:
        obj.setdefault("Condition", {})["Bool"] = {"lambda:InvokedViaFunctionUrl": str(through).lower()}
    return decoded


moto_patches.replace(Policy, "decode_policy", _decode, reason="it knows no conditions of function URLs")


class Refused(Exception):
    """A call that Lambda does not let through; the message is what it answers."""


def check(request: Request, function: RealFunction, config: UrlConfig) -> str | None:
    """The caller's ARN, or None for a URL that is open; raises `Refused`."""
    if config.auth == "NONE":
        if not all(_is_open(function, action) for action in _ACTIONS):
            raise Refused(FORBIDDEN)
        return None
    try:
        claim = authentication.claim_of(request)
        if claim.signing_name != "lambda" or claim.region != function.region:
            raise Refused(f"Credential should be scoped to correct service: 'lambda' in {function.region}.")
        request.get_data(cache=True)
        caller = authentication.authenticate(request, claim, None)
        for name in ("InvokeFunctionUrl", "Invoke"):
            guard.check(_asked(name, function), caller, function.region, request)
    except SignatureFault as fault:
        raise Refused(FORBIDDEN) from fault
    except ServiceError as error:
        raise Refused(FORBIDDEN if error.code == "AccessDeniedException" else error.message) from error
    if caller.account != function.account_id:
        raise Refused(FORBIDDEN)
    return caller.principal


def _is_open(function: RealFunction, action: str) -> bool:
    context = {"lambda:FunctionUrlAuthType": "NONE", "lambda:InvokedViaFunctionUrl": True}
    about = [
        one
        for one in function.policy.statements
        if names_principal(one, {"AWS": "anonymous"}) and speaks_of(_anywhere(one), action, (), context)
    ]
    return any(one["Effect"] == "Allow" for one in about) and all(one["Effect"] != "Deny" for one in about)


def _anywhere(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != "Resource"}


def _asked(operation: str, function: RealFunction) -> Parsed:
    arn = ":".join(function.function_arn.split(":")[:7])
    model = get_service_model("lambda").operation_model("Invoke")
    return Parsed(
        service="lambda", operation=operation, protocol="rest-json", params={"FunctionName": arn}, model=model
    )
