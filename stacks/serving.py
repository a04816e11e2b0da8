"""The stacks of endpoints: one for each, so that a new model changes nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from shardyard.core.outputs import add_output
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.serving.endpoint import Endpoint
from shardyard.serving.image import EndpointImage
from shardyard.spec import names
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingGround:
    """What endpoints stand on."""

    settings: Settings
    storage: Storage
    placement: Placement | None
    alerts: sns.CfnTopic
    """Where alarms tell people."""
    root: Path
    """The project's folder, with containers/."""
    images: Mapping[str, IDependable] = field(default_factory=dict)
    """What a deploy must have built before, by folder of containers/."""


class ServingStack(ProjectStack):
    """One endpoint."""

    def __init__(self, scope: Construct, *, ground: ServingGround, spec: EndpointSpec) -> None:
        super().__init__(
            scope,
            names.serving_part(spec.name),
            settings=ground.settings,
            description=f"The endpoint {spec.name}",
        )
        built = None if spec.image.folder is None else ground.images.get(spec.image.folder)
        self.endpoint = Endpoint(
            self,
            "Endpoint",
            spec=spec,
            image=EndpointImage.of(self, spec, project=self.project, root=ground.root, built=built),
            data=ground.storage,
            network=ground.placement,
            project=self.project,
            alerts=ground.alerts,
        )
        # What is deployed, for whoever compares it with the file
        self.add_metadata(names.ENDPOINT_METADATA, spec.to_dict())
        if spec.owner is not None:
            cdk.Tags.of(self).add("owner", spec.owner)
        add_output(self, "EndpointName", self.endpoint.endpoint_name, "What its callers name")
        config = cdk.CfnOutput(
            self,
            "EndpointConfigNameOutput",
            value=self.endpoint.config_name,
            description="The configuration that should be in service",
            condition=self.endpoint.has_model,
        )
        config.override_logical_id("EndpointConfigName")


def serving_stacks(
    scope: Construct, *, ground: ServingGround, endpoints: Sequence[EndpointSpec]
) -> dict[str, ServingStack]:
    """A stack for each endpoint, by its name."""
    return {spec.name: ServingStack(scope, ground=ground, spec=spec) for spec in endpoints}
