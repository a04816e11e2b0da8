"""Whether what a request names is there: the services' checks ask here, and refuse in their own words."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.utilities.utils import get_partition

from embedded.access.policies import as_list
from embedded.operations import Call


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


def network_error(call: Call, subnets: Iterable[str], groups: Iterable[str]) -> tuple[str, str, str] | None:
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


def missing_principals(text: Any, region: str) -> Iterator[str]:
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
