"""What a request to IAM names must be there; moto takes it unseen."""

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check


@check("iam", "CreateRole", "UpdateAssumeRolePolicy")
def _trust(call: Call, params: Params) -> None:
    text = params.get("AssumeRolePolicyDocument", params.get("PolicyDocument"))
    for principal in references.missing_principals(text, call.region):
        raise ServiceError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{principal}"')
    _boundary(call, params)


@check("iam", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary")
def _boundary(call: Call, params: Params) -> None:
    boundary = params.get("PermissionsBoundary")
    if boundary and boundary not in iam_backends[call.account][get_partition(call.region)].managed_policies:
        raise ServiceError("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.", 404)
