"""What the role of a machine must be allowed before Step Functions takes it, or runs a `.sync` task for it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from yard.cloud.policies import as_list, speaks_of

EVENT_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
EVENT_RULES = {
    "createTrainingJob": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "createTransformJob": "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    "createProcessingJob": "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    "createHyperParameterTuningJob": "StepFunctionsGetEventsForSageMakerTuningJobsRule",
}
"""The managed rule by which Step Functions hears that a job has ended; each `.sync` task needs it."""
RUN_ACTIONS = {
    "createTrainingJob": ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "AddTags"),
    "createTransformJob": ("CreateTransformJob", "DescribeTransformJob", "StopTransformJob", "AddTags"),
    "createProcessingJob": ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob", "AddTags"),
    "createHyperParameterTuningJob": (
        "CreateHyperParameterTuningJob",
        "DescribeHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
        "AddTags",
    ),
}
"""The SageMaker actions that the service documents for each `.sync` task."""
_JOB_ARNS = {
    "createTrainingJob": "training-job",
    "createTransformJob": "transform-job",
    "createProcessingJob": "processing-job",
    "createHyperParameterTuningJob": "hyper-parameter-tuning-job",
}


def role_documents(role_arn: str, region: str) -> Iterator[Mapping[str, Any]]:
    """The role's identity policies, inline and attached."""
    backend = iam_backends[role_arn.split(":")[4]][get_partition(region)]
    role = next((role for role in backend.roles.values() if role.arn == role_arn), None)
    if role is None:
        return
    documents = list(role.policies.values()) + [policy.document for policy in role.managed_policies.values()]
    for document in documents:
        yield json.loads(document) if isinstance(document, str) else document


def role_allows(
    role_arn: str, region: str, action: str, resource: str, context: Mapping[str, Any] | None = None
) -> bool:
    """Whether the role's identity policies allow the action and none denies it.

    Without a context the conditions are taken as met, and a conditional Deny as not: nothing is known of a request
    that has not been made yet.
    """
    allowed = False
    for document in role_documents(role_arn, region):
        for statement in as_list(document.get("Statement")):
            if context is None and "Condition" in statement:
                if statement["Effect"] == "Deny":
                    continue
                statement = {key: value for key, value in statement.items() if key != "Condition"}
            if speaks_of(statement, action, (resource,), context or {}):
                if statement["Effect"] == "Deny":
                    return False
                allowed = True
    return allowed


def missing_for_rule(role_arn: str, region: str, account: str, task: str) -> list[str]:
    """The actions on the managed rule that the role lacks: CreateStateMachine refuses the role for any of them."""
    rule = f"arn:{get_partition(region)}:events:{region}:{account}:rule/{EVENT_RULES[task]}"
    return [action for action in EVENT_ACTIONS if not role_allows(role_arn, region, action, rule)]


def missing_for_run(role_arn: str, region: str, account: str, task: str, job: str, passed: str | None) -> list[str]:
    """The actions, as `action on resource`, that the role lacks for running and stopping one job."""
    arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:{_JOB_ARNS[task]}/{job.lower()}"
    wanted = [(f"sagemaker:{action}", arn) for action in RUN_ACTIONS[task]]
    lacking = [f"{action} on {where}" for action, where in wanted if not role_allows(role_arn, region, action, where)]
    service = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    if passed is not None and not role_allows(role_arn, region, "iam:PassRole", passed, service):
        lacking.append(f"iam:PassRole on {passed}")
    return lacking
