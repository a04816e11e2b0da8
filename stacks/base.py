"""What all stacks of the project have in common."""

import aws_cdk as cdk
from constructs import Construct

from shardyard.core.project import Project
from shardyard.spec.settings.settings import Settings


class ProjectStack(cdk.Stack):
    """A stack that is named after project, stage and part, for any account and region."""

    def __init__(self, scope: Construct, part: str, *, settings: Settings, description: str) -> None:
        super().__init__(
            scope,
            settings.stack_name(part),
            description=f"{description} ({settings.project}, {settings.stage})",
            termination_protection=settings.retains_data,
            suppress_template_indentation=True,  # a fifth of what CloudFormation counts would be blanks
        )
        self.project = project_of(settings)


def project_of(settings: Settings) -> Project:
    """What constructs know of the settings."""
    return Project(
        name=settings.project,
        stage=settings.stage,
        tags={"owner": settings.owner, **settings.tags},
        permissions_boundary=settings.identity.permissions_boundary or None,
        log_days=settings.retention.log_days,
        retains_data=settings.retains_data,
    )
