"""What a request names must be there: references that moto 5.2.5 takes unseen and the services refuse.

The services' own codes; the wordings are those that people report of them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.utilities.utils import get_partition

from embedded.access import roles
from embedded.access.policies import as_list
from embedded.operations import Call, Params, ServiceError, check


def check_role(role_arn: str, service: str, region: str) -> None:
    """The role must be there and trust the service, in SageMaker's words."""
    try:
        roles.assume(role_arn, service=service, session="check", region=region)
    except ServiceError:
        raise ServiceError(
            "ValidationException",
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{service}' to assume the role.",
        ) from None


def check_network(call: Call, subnets: Iterable[str], groups: Iterable[str]) -> None:
    """Subnets and security groups must be there, in SageMaker's words."""
    error = _network_error(call, subnets, groups)
    if error is not None:
        raise ServiceError("ValidationException", error[2])


def key_exists(call: Call, key: str) -> bool:
    """Whether a key is there, by id, ARN or alias; the services' own keys always are."""
    account, region = (key.split(":")[4], key.split(":")[3]) if key.startswith("arn:") else (call.account, call.region)
    if key.rpartition(":")[2].startswith("alias/aws/"):
        return True
    backend = kms_backends[account][region]
    try:
        return backend.any_id_to_key_id(key) in backend.keys
    except Exception:  # moto's own error for an alias that is not there
        return False


def _network_error(call: Call, subnets: Iterable[str], groups: Iterable[str]) -> tuple[str, str, str] | None:
    """The call, the code and the message with which EC2 says that one of them is not there."""
    backend = ec2_backends[call.account][call.region]
    known_subnets = {name for zone in list(backend.subnets.values()) for name in list(zone)}
    known_groups = {name for network in list(backend.groups.values()) for name in list(network)}
    for name in subnets:
        if name not in known_subnets:
            return "DescribeSubnets", "InvalidSubnetID.NotFound", f"The subnet ID '{name}' does not exist"
    for name in groups:
        if name not in known_groups:
            return "DescribeSecurityGroups", "InvalidGroup.NotFound", f"The security group '{name}' does not exist"
    return None


@check("ec2", "CreateSecurityGroup")
def _security_group(call: Call, params: Params) -> None:
    network = params.get("VpcId")
    if network and network not in ec2_backends[call.account][call.region].vpcs:
        raise ServiceError("InvalidVpcID.NotFound", f"The vpc ID '{network}' does not exist")


@check("ec2", "CreateVpcEndpoint", "ModifyVpcEndpoint")
def _endpoint(call: Call, params: Params) -> None:
    subnets, groups, tables = (
        [*params.get(name, ()), *params.get(f"Add{name}", ())]
        for name in ("SubnetIds", "SecurityGroupIds", "RouteTableIds")
    )
    error = _network_error(call, subnets, groups)
    if error is not None:
        raise ServiceError(error[1], error[2])
    known = ec2_backends[call.account][call.region].route_tables
    for table in tables:
        if table not in known:
            raise ServiceError("InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist")


@check("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def _rule(call: Call, params: Params) -> None:
    known = ec2_backends[call.account][call.region].managed_prefix_lists
    for permission in params.get("IpPermissions", ()):
        for item in permission.get("PrefixListIds", ()):
            if item["PrefixListId"] not in known:
                message = f"The prefix list ID '{item['PrefixListId']}' does not exist"
                raise ServiceError("InvalidPrefixListID.NotFound", message)


@check("lambda", "CreateFunction", "UpdateFunctionConfiguration")
def _function(call: Call, params: Params) -> None:
    network = params.get("VpcConfig") or {}
    error = _network_error(call, network.get("SubnetIds", []), network.get("SecurityGroupIds", []))
    if error is not None:
        message = f"Error occurred while {error[0]}. EC2 Error Code: {error[1]}. EC2 Error Message: {error[2]}"
        raise ServiceError("InvalidParameterValueException", message)


@check("sagemaker", "CreateModel")
def _model(call: Call, params: Params) -> None:
    if params.get("ExecutionRoleArn"):
        check_role(params["ExecutionRoleArn"], "sagemaker.amazonaws.com", call.region)
    network = params.get("VpcConfig") or {}
    check_network(call, network.get("Subnets", []), network.get("SecurityGroupIds", []))


def unusable_log_key(call: Call, group: str) -> ServiceError:
    """The error of CloudWatch Logs for a key that is not there."""
    arn = f"arn:{get_partition(call.region)}:logs:{call.region}:{call.account}:log-group:{group}"
    message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
    return ServiceError("InvalidParameterException", message)


@check("logs", "CreateLogGroup")
def _log_group(call: Call, params: Params) -> None:
    key = params.get("kmsKeyId")
    if key and not key_exists(call, key):
        raise unusable_log_key(call, params["logGroupName"])


@check("ecr", "CreateRepository")
def _repository(call: Call, params: Params) -> None:
    key = params.get("encryptionConfiguration", {}).get("kmsKey")
    if key and not key_exists(call, key):
        raise ServiceError("KmsException", f"Key '{key}' does not exist")


@check("secretsmanager", "CreateSecret", "UpdateSecret")
def _secret(call: Call, params: Params) -> None:
    key = params.get("KmsKeyId")
    if key and not key_exists(call, key):
        message = "Secrets Manager can't encrypt the protected secret text using the provided KMS key."
        raise ServiceError("EncryptionFailure", f"{message} Key '{key}' does not exist")


@check("events", "PutTargets")
def _targets(call: Call, params: Params) -> None:
    for target in params.get("Targets", ()):
        role, service = target.get("RoleArn"), "events.amazonaws.com"
        try:
            if role:
                roles.assume(role, service=service, session="check", region=call.region)
        except ServiceError:
            message = f"Provided role '{role}' cannot be assumed by principal '{service}'."
            raise ServiceError("ValidationException", message) from None


@check("iam", "CreateRole", "UpdateAssumeRolePolicy")
def _trust(call: Call, params: Params) -> None:
    text = params.get("AssumeRolePolicyDocument", params.get("PolicyDocument"))
    for principal in _missing_principals(text, call.region):
        raise ServiceError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{principal}"')
    boundary = params.get("PermissionsBoundary")
    if boundary and boundary not in iam_backends[call.account][get_partition(call.region)].managed_policies:
        raise ServiceError("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.", 404)


@check("kms", "CreateKey", "PutKeyPolicy")
def _key_policy(call: Call, params: Params) -> None:
    if any(_missing_principals(params.get("Policy"), call.region)):
        message = "Policy contains a statement with one or more invalid principals."
        raise ServiceError("MalformedPolicyDocumentException", message)


def _missing_principals(text: Any, region: str) -> Iterator[str]:
    """The roles and users that a policy names and that are not there; what services make for themselves counts."""
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return  # whoever answers the request says what is wrong with its text
    for statement in as_list(document.get("Statement")):
        principal = statement.get("Principal")
        for arn in as_list(principal.get("AWS")) if isinstance(principal, Mapping) else ():
            kind = str(arn).partition(":iam::")[2].partition(":")[2].partition("/")[0]
            if kind in ("role", "user") and ":role/aws-service-role/" not in arn and not _entity_exists(arn, region):
                yield arn


def _entity_exists(arn: str, region: str) -> bool:
    backend = iam_backends[arn.split(":")[4]][get_partition(region)]
    return any(item.arn == arn for item in (*list(backend.roles.values()), *list(backend.users.values())))
