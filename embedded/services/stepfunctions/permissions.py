"""What the role of a machine must be allowed before Step Functions takes it, or runs a `.sync` task for it."""

from moto.utilities.utils import get_partition

from embedded.access.role_policies import role_allows

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


def missing_for_rule(role_arn: str, region: str, account: str, task: str) -> list[str]:
    """The actions on the managed rule that the role lacks: CreateStateMachine refuses the role for any of them."""
    rule = f"arn:{get_partition(region)}:events:{region}:{account}:rule/{EVENT_RULES[task]}"
    return [action for action in EVENT_ACTIONS if not role_allows(role_arn, region, action, rule)]


LOG_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""What the service documents for a machine that logs; none of them can be limited to a resource."""


def missing_for_log(role_arn: str, region: str) -> list[str]:
    """The actions for logging that the role lacks: CreateStateMachine refuses the role for any of them."""
    return [action for action in LOG_ACTIONS if not role_allows(role_arn, region, action, "*")]


def missing_for_run(role_arn: str, region: str, account: str, task: str, job: str, passed: str | None) -> list[str]:
    """The actions, as `action on resource`, that the role lacks for running and stopping one job."""
    arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:{_JOB_ARNS[task]}/{job.lower()}"
    wanted = [(f"sagemaker:{action}", arn) for action in RUN_ACTIONS[task]]
    lacking = [f"{action} on {where}" for action, where in wanted if not role_allows(role_arn, region, action, where)]
    service = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    if passed is not None and not role_allows(role_arn, region, "iam:PassRole", passed, service):
        lacking.append(f"iam:PassRole on {passed}")
    return lacking
