"""What there is in an account: one list a kind of thing. Two of them, before and after, show what was left behind."""

from collections.abc import Callable, Iterator
from typing import Any

from embedded.clients import DEFAULT_ACCOUNT, DEFAULT_REGION, client
from embedded.operations import Params, admin

# service, operation, where the list is, what names a thing
_KINDS: dict[str, tuple[str, str, str, str]] = {
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "buckets": ("s3", "list_buckets", "Buckets", "Name"),
    "code repositories": ("sagemaker", "list_code_repositories", "CodeRepositorySummaryList", "CodeRepositoryName"),
    "composite alarms": ("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"),
    "dashboards": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "endpoint configurations": ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    "endpoints": ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "flow logs": ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "image repositories": ("ecr", "describe_repositories", "repositories", "repositoryName"),
    "key aliases": ("kms", "list_aliases", "Aliases", "AliasName"),
    "lifecycle configurations": (
        "sagemaker",
        "list_notebook_instance_lifecycle_configs",
        "NotebookInstanceLifecycleConfigs",
        "NotebookInstanceLifecycleConfigName",
    ),
    "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "model package groups": (
        "sagemaker",
        "list_model_package_groups",
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
    ),
    "models": ("sagemaker", "list_models", "Models", "ModelName"),
    "networks": ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "notebook instances": ("sagemaker", "list_notebook_instances", "NotebookInstances", "NotebookInstanceName"),
    "parameters": ("ssm", "describe_parameters", "Parameters", "Name"),
    "pipelines": ("sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName"),
    "roles": ("iam", "list_roles", "Roles", "RoleName"),
    "route tables": ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "rules": ("events", "list_rules", "Rules", "Name"),
    "secrets": ("secretsmanager", "list_secrets", "SecretList", "Name"),
    "security groups": ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "state machines": ("stepfunctions", "list_state_machines", "stateMachines", "stateMachineArn"),
    "subnets": ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "subscriptions": ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    "topics": ("sns", "list_topics", "Topics", "TopicArn"),
    "VPC endpoints": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
}


def inventory(account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> dict[str, list[str]]:
    """The names of everything, by kind; kinds of which there is nothing are left out."""
    found = {kind: sorted(_names(kind, account, region)) for kind in _KINDS}
    found |= {kind: sorted(lister(account, region)) for kind, lister in _OTHERS.items()}
    return {kind: names for kind, names in sorted(found.items()) if names}


def _names(kind: str, account: str, region: str) -> Iterator[str]:
    service, operation, listed, name = _KINDS[kind]
    api = client(service, account, region)
    pages = api.get_paginator(operation).paginate() if api.can_paginate(operation) else [getattr(api, operation)()]
    for page in pages:
        for item in page.get(listed, ()):
            # AWS's own aliases and deleted endpoints are nobody's
            if not str(item[name]).startswith("alias/aws/") and item.get("State") != "deleted":
                yield item[name]


def _policies(account: str, region: str) -> Iterator[str]:
    for page in client("iam", account, region).get_paginator("list_policies").paginate(Scope="Local"):
        yield from (item["Arn"] for item in page["Policies"])


def _keys(account: str, region: str) -> Iterator[str]:
    """Keys that do not wait for their deletion, and are not AWS's own."""
    kms = client("kms", account, region)
    for item in kms.list_keys()["Keys"]:
        found = kms.describe_key(KeyId=item["KeyId"])["KeyMetadata"]
        if found["KeyState"] != "PendingDeletion" and found.get("KeyManager") != "AWS":
            yield item["KeyId"]


def _budgets(account: str, region: str) -> Iterator[str]:
    answer = client("budgets", account, region).describe_budgets(AccountId=account)
    yield from (item["BudgetName"] for item in answer["Budgets"])


def _stacks(account: str, region: str) -> Iterator[str]:
    for page in client("cloudformation", account, region).get_paginator("describe_stacks").paginate():
        yield from (item["StackName"] for item in page["Stacks"])


_OTHERS: dict[str, Callable[[str, str], Iterator[str]]] = {
    "budgets": _budgets,
    "keys": _keys,
    "policies": _policies,
    "stacks": _stacks,
}


@admin("inventory")
def _inventory_verb(params: Params) -> dict[str, Any]:
    return {"inventory": inventory(params.get("account", DEFAULT_ACCOUNT), params.get("region", DEFAULT_REGION))}


def left_behind(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is in `after` and was not in `before`."""
    extra = {kind: sorted(set(names) - set(before.get(kind, ()))) for kind, names in after.items()}
    return {kind: names for kind, names in extra.items() if names}
