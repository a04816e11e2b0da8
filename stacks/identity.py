"""The identity stack: the roles."""

from constructs import Construct

from shardyard.identity import Identity
from shardyard.outputs import add_output
from shardyard.placement import Placement
from shardyard.registry import Registry
from shardyard.spec.settings import Settings
from shardyard.storage import Storage
from stacks.base import ProjectStack


class IdentityStack(ProjectStack):
    """Who may do what."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        registry: Registry,
        placement: Placement | None,
    ) -> None:
        super().__init__(scope, "identity", settings=settings, description="Roles for training, notebooks and builds")
        self.identity = Identity(
            self, "Identity", settings=settings, storage=storage, registry=registry, placement=placement
        )
        add_output(self, "TrainingRoleArn", self.identity.training_role.attr_arn, "The role of a training job")
        add_output(self, "NotebookRoleArn", self.identity.notebook_role.attr_arn, "The role of a notebook")
        add_output(self, "BuildRoleArn", self.identity.build_role.attr_arn, "The role of an image build")
