"""What all stacks of the project have in common."""

import aws_cdk as cdk
from constructs import Construct

from shardyard.spec.settings.settings import Settings


class ProjectStack(cdk.Stack):
    """A stack that is named after project, stage and part, for any account and region."""

    def __init__(self, scope: Construct, part: str, *, settings: Settings, description: str) -> None:
        super().__init__(
            scope,
            settings.stack_name(part),
            description=f"{description} ({settings.project}, {settings.stage})",
            termination_protection=settings.retains_data,
        )
        self.settings = settings
