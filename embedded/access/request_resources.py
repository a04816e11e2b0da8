"""The ARNs that a request is about, service by service; None where the request does not tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends

Params = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The account and region that a request is in."""

    account: str
    region: str
    partition: str

    def arn(self, service: str, resource: str) -> str:
        """An ARN here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def _s3(action: str, params: Params, where: Where) -> list[str] | None:
    if "Bucket" not in params:
        return ["*"]
    bucket = f"arn:{where.partition}:s3:::{params['Bucket']}"
    if action.startswith("s3:DeleteObject") and "Delete" in params:
        return [f"{bucket}/{item['Key']}" for item in params["Delete"]["Objects"]]
    return [f"{bucket}/{params['Key']}"] if "Key" in params else [bucket]


def _states(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("stateMachineArn", "executionArn", "activityArn", "resourceArn"):
        if name in params:
            return [params[name]]
    return [where.arn("states", f"stateMachine:{params['name']}")] if "name" in params else None


def _lambda(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("FunctionName", params.get("Resource"))
    if name is None:
        return None
    if name.startswith("arn:"):
        return [name]
    return [where.arn("lambda", f"function:{name.rsplit(':', 1)[-1]}")]


def _logs(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("resourceArn", "logGroupArn", "logGroupIdentifier"):
        if str(params.get(name, "")).startswith("arn:"):
            group = params[name].removesuffix(":*")
            return [f"{group}:log-stream:{params.get('logStreamName', '')}"]
    group = params.get("logGroupName", params.get("logGroupIdentifier", ""))
    # the service writes both names, even if they are empty: a policy without `:*` at its end does not match
    return [where.arn("logs", f"log-group:{group}:log-stream:{params.get('logStreamName', '')}")]


def _iam(action: str, params: Params, where: Where) -> list[str] | None:
    backend = iam_backends[where.account][where.partition]
    if "RoleName" in params:
        path = params.get("Path", "/")
        known = next((role for role in list(backend.roles.values()) if role.name == params["RoleName"]), None)
        return [known.arn if known else f"arn:{where.partition}:iam::{where.account}:role{path}{params['RoleName']}"]
    if "PolicyArn" in params:
        return [params["PolicyArn"]]
    for kind in ("Policy", "User", "Group", "InstanceProfile"):
        if f"{kind}Name" in params:
            word = {"InstanceProfile": "instance-profile"}.get(kind, kind.lower())
            return [
                f"arn:{where.partition}:iam::{where.account}:{word}{params.get('Path', '/')}{params[f'{kind}Name']}"
            ]
    return None


def key_arn(key_id: str, where: Where) -> str:
    """The ARN of a key, by id, ARN or alias."""
    backend = kms_backends[where.account][where.region]
    if ":alias/" in key_id or key_id.startswith("alias/"):
        alias = key_id if key_id.startswith("alias/") else f"alias/{key_id.split(':alias/', 1)[1]}"
        found = backend.get_key_id_from_alias(alias)
        key_id = found if found else alias
    return key_id if key_id.startswith("arn:") else where.arn("kms", f"key/{key_id}")


def _kms(action: str, params: Params, where: Where) -> list[str] | None:
    key = params.get("KeyId", params.get("TargetKeyId"))
    return None if key is None else [key_arn(key, where)]


def _sns(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("TopicArn", "ResourceArn", "TargetArn"):
        if name in params:
            return [params[name]]
    if "SubscriptionArn" in params:
        return [params["SubscriptionArn"].rsplit(":", 1)[0]]
    return [where.arn("sns", params["Name"])] if "Name" in params else None


def _events(action: str, params: Params, where: Where) -> list[str] | None:
    if action == "events:PutEvents":
        buses = {entry.get("EventBusName", "default") for entry in params.get("Entries", ())}
        return [bus if bus.startswith("arn:") else where.arn("events", f"event-bus/{bus}") for bus in sorted(buses)]
    if "ResourceARN" in params:
        return [params["ResourceARN"]]
    name = params.get("Rule", params.get("Name"))
    bus = params.get("EventBusName", "default")
    between = "" if bus == "default" else f"{bus.rsplit('/', 1)[-1]}/"
    return None if name is None else [where.arn("events", f"rule/{between}{name}")]


def _cloudwatch(action: str, params: Params, where: Where) -> list[str] | None:
    if "ResourceARN" in params:
        return [params["ResourceARN"]]
    names = params.get("AlarmNames", [params["AlarmName"]] if "AlarmName" in params else [])
    if names:
        return [where.arn("cloudwatch", f"alarm:{name}") for name in names]
    boards = params.get("DashboardNames", [params["DashboardName"]] if "DashboardName" in params else [])
    return [f"arn:{where.partition}:cloudwatch::{where.account}:dashboard/{name}" for name in boards] or None


def _ecr(action: str, params: Params, where: Where) -> list[str] | None:
    if "resourceArn" in params:
        return [params["resourceArn"]]
    names = params.get("repositoryNames", [params["repositoryName"]] if "repositoryName" in params else ["*"])
    return [where.arn("ecr", f"repository/{name}") for name in names]


def _ssm(action: str, params: Params, where: Where) -> list[str] | None:
    names = params.get("Names", [params[key] for key in ("Name", "Path", "ResourceId") if key in params])
    return [where.arn("ssm", f"parameter/{name.lstrip('/')}") for name in names] or None


def _secrets(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("SecretId", params.get("Name"))
    if name is None:
        return None
    return [name if name.startswith("arn:") else where.arn("secretsmanager", f"secret:{name}-??????")]


def _cloudformation(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("StackName")
    if name is None:
        return None
    return [name if name.startswith("arn:") else where.arn("cloudformation", f"stack/{name}/*")]


def _sqs(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("QueueName", str(params.get("QueueUrl", "")).rsplit("/", 1)[-1])
    return [where.arn("sqs", name)] if name else None


def _budgets(action: str, params: Params, where: Where) -> list[str] | None:
    budget: Params = params.get("Budget") or params.get("NewBudget") or {}
    name = params.get("BudgetName", budget.get("BudgetName", "*"))
    return [f"arn:{where.partition}:budgets::{where.account}:budget/{name}"]


def _quotas(action: str, params: Params, where: Where) -> list[str] | None:
    if "ServiceCode" not in params or "QuotaCode" not in params:
        return None
    return [where.arn("servicequotas", f"{params['ServiceCode']}/{params['QuotaCode']}")]


def _sts(action: str, params: Params, where: Where) -> list[str] | None:
    return [params["RoleArn"]] if "RoleArn" in params else None


RESOURCES: dict[str, Callable[[str, Params, Where], list[str] | None]] = {
    "budgets": _budgets,
    "cloudformation": _cloudformation,
    "cloudwatch": _cloudwatch,
    "ecr": _ecr,
    "events": _events,
    "iam": _iam,
    "kms": _kms,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "secretsmanager": _secrets,
    "servicequotas": _quotas,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "states": _states,
    "sts": _sts,
}
"""By the prefix of the action."""

_OTHER_NAMES = {
    "experiment-trial": "Trial",
    "experiment-trial-component": "TrialComponent",
    "automl-job": "AutoMLJob",
    "endpoint-config": "EndpointConfig",
}


def sagemaker_resources(types: tuple[str, ...], params: Params, where: Where) -> list[str] | None:
    """SageMaker names its resources alike: `TrainingJobName` is training-job/NAME."""
    if "ResourceArn" in params:
        return [params["ResourceArn"]]
    for kind in types:
        noun = _OTHER_NAMES.get(kind, "".join(word.capitalize() for word in kind.split("-")))
        for value in (params.get(f"{noun}Arn"), params.get(f"{noun}Name")):
            if value:
                return [value if value.startswith("arn:") else where.arn("sagemaker", f"{kind}/{value}")]
    return None
