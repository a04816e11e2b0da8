"""Which setting of cdk.json stands behind a property."""

from collections.abc import Mapping

_SETTINGS: Mapping[tuple[str, str], str] = {
    ("AWS::Budgets::Budget", "Budget.BudgetLimit.Amount"): "budget.monthly_usd",
    ("AWS::EC2::VPC", "CidrBlock"): "network.cidr",
    ("AWS::IAM::Role", "PermissionsBoundary"): "identity.permissions_boundary",
    ("AWS::Logs::LogGroup", "RetentionInDays"): "retention.log_days",
    ("AWS::SNS::Subscription", "Endpoint"): "alerts.email",
    ("AWS::SageMaker::NotebookInstance", "InstanceType"): "notebooks.instance_type",
    ("AWS::SageMaker::NotebookInstance", "VolumeSizeInGB"): "notebooks.volume",
    (
        "AWS::StepFunctions::StateMachine",
        "DefinitionString.States.Preflight.Parameters.Payload.project_cap_usd",
    ): "training.cap_usd",
}
_TAGS = ("Tags.", "DefinitionString.States.Preflight.Parameters.Payload.deployment.tags.")
"""Where tags stand: on resources, and on what a launch makes."""


def setting_of(kind: str, path: str) -> str | None:
    """The setting, or None where the property follows from several or from none."""
    for place in _TAGS:
        if path.startswith(place):
            key = path.removeprefix(place)
            return key if key in ("owner", "project", "stage") else f"tags.{key}"
    return _SETTINGS.get((kind, path))
