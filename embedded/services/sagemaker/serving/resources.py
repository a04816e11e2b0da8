"""Models, endpoint configurations and endpoints in templates. What replaces which, their schemas say."""

import time
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import Made, Props
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import without
from embedded.services.sagemaker.serving.endpoints.endpoint import IN_PROGRESS
from embedded.services.sagemaker.tagged import Tagged

_LOOK_SECONDS = 0.1
_UPDATE_ONLY = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")

Tagged(
    type="AWS::SageMaker::Model",
    service="sagemaker",
    create_operation="CreateModel",
    describe_operation="DescribeModel",
    delete_operation="DeleteModel",
    name="ModelName",
    ref="ModelArn",
    attributes={"ModelName": "ModelName", "ModelArn": "ModelArn"},
    arn="ModelArn",
)
Tagged(
    type="AWS::SageMaker::EndpointConfig",
    service="sagemaker",
    create_operation="CreateEndpointConfig",
    describe_operation="DescribeEndpointConfig",
    delete_operation="DeleteEndpointConfig",
    name="EndpointConfigName",
    ref="EndpointConfigArn",
    attributes={"EndpointConfigName": "EndpointConfigName", "EndpointConfigArn": "EndpointConfigArn"},
    arn="EndpointConfigArn",
)


class _Endpoint(Tagged):
    """An endpoint: made when it is in service, changed when the configuration asked for is the one in service.

    What CloudFormation does when the service rolls an update back without a word is not known: here the update fails.
    """

    def create(self, props: Props, ctx: Context) -> Made:
        """Make it, and wait until it is in service; what the API takes in updates alone is left out."""
        made = super().create(without(props, *_UPDATE_ONLY), ctx)
        found = self._settled(made.physical_id, ctx)
        if found["EndpointStatus"] != "InService":
            raise ResourceError(f"The endpoint is in status {found['EndpointStatus']}: {found.get('FailureReason')}")
        return made

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Update it where another configuration is in service; a changed policy alone counts from the next update on.

        After an update that the service has rolled back, the stack's own rollback finds the old one in service.
        """
        wanted = new["EndpointConfigName"]
        if self._settled(physical_id, ctx)["EndpointConfigName"] == wanted:
            return super().update(physical_id, {**new, "Tags": old.get("Tags", [])}, new, ctx)
        made = super().update(physical_id, old, new, ctx)
        found = self._settled(physical_id, ctx)
        if (found["EndpointStatus"], found["EndpointConfigName"]) != ("InService", wanted):
            raise ResourceError(
                f"The update to {wanted} was rolled back: the endpoint is {found['EndpointStatus']} with "
                f"{found['EndpointConfigName']}. {found.get('FailureReason', '')}".rstrip()
            )
        return made

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it once nothing goes on with it, and wait until it is gone."""
        try:
            self._settled(physical_id, ctx)
            super().delete(physical_id, props, ctx)
            while True:
                time.sleep(_LOOK_SECONDS)
                self.describe(self._name(physical_id), ctx)
        except ClientError as error:
            if not is_absent(error):
                raise

    def _settled(self, physical_id: str, ctx: Context) -> dict[str, Any]:
        while True:
            found = self.describe(self._name(physical_id), ctx)
            if found["EndpointStatus"] not in IN_PROGRESS or found["EndpointStatus"] == "Deleting":
                return found
            time.sleep(_LOOK_SECONDS)


_Endpoint(
    type="AWS::SageMaker::Endpoint",
    service="sagemaker",
    create_operation="CreateEndpoint",
    describe_operation="DescribeEndpoint",
    update_operation="UpdateEndpoint",
    delete_operation="DeleteEndpoint",
    name="EndpointName",
    ref="EndpointArn",
    attributes={"EndpointName": "EndpointName", "EndpointArn": "EndpointArn"},
    arn="EndpointArn",
    unread=frozenset({*_UPDATE_ONLY, "DeploymentConfig"}),
)
