"""Endpoint: one definition becomes Model, EndpointConfig, Endpoint, what scales it and what watches it."""

from collections.abc import Mapping
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core.arns import topic_arn
from shardyard.core.parameters import Override
from shardyard.core.project import Project
from shardyard.core.roles import THIS_ACCOUNT, role_view, service_role
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import StorageBase
from shardyard.serving.image import EndpointImage
from shardyard.serving.invocable import ImportedEndpoint, InvocableEndpoint
from shardyard.serving.role import endpoint_statements
from shardyard.serving.scaling import scale
from shardyard.spec import names
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.stack_parameters import endpoint_parameters, parameter_of
from shardyard.spec.errors import SpecError
from shardyard.spec.requests.endpoint_alarms import alarms_of, rollback_names
from shardyard.spec.requests.endpoints import Site, config_request, endpoint_request, model_request
from shardyard.spec.rules import check_endpoint


class Endpoint(InvocableEndpoint):
    """Serves a model. Its stack owns it: another model is another value of a parameter, and nothing else changes it.

    Model and EndpointConfig have no names of ours: both are replaced by every change, and a name would be taken. The
    endpoint's is fixed, so that its alarms, made before it, can look at it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: EndpointSpec,
        image: EndpointImage,
        data: StorageBase,
        network: Placement | None,
        project: Project,
        alerts: ITopicRef | None = None,
        role: iam.IRole | None = None,
    ) -> None:
        """Makes a stack parameter for each model; while one is not known, nothing but the role is deployed.

        `alerts` is told by the alarms. A `role` that is given is taken as it is.
        """
        super().__init__(scope, construct_id)
        problems = check_endpoint(spec)
        if problems:
            raise SpecError(problems)
        self.spec, self._project, self._given = spec, project, role
        self.endpoint_name = names.endpoint_name(project.name, project.stage, spec.name)
        self._site = self._make_site(image, data, network)
        self._topic = None if alerts is None else topic_arn(alerts)
        self.config = self._config(image)
        alarms = self._alarms()
        request = endpoint_request(spec, self._site, self.config_name, rollback_names(spec, self.endpoint_name))
        self.endpoint = self._resource("Endpoint", "AWS::SageMaker::Endpoint", request)
        for alarm in alarms:
            self.endpoint.add_resource_dependency(
                alarm
            )  # its name is a text to CloudFormation, and the update needs it there
        for variant in spec.scaled:
            scale(self, spec, variant, endpoint=self.endpoint, endpoint_name=self.endpoint_name, when=self.has_model)

    @classmethod
    def from_endpoint_name(cls, scope: Construct, construct_id: str, endpoint_name: str) -> InvocableEndpoint:
        """An endpoint that is there, to call it and to look at it."""
        return ImportedEndpoint(scope, construct_id, endpoint_name=endpoint_name)

    @property
    def config_name(self) -> str:
        """The name that CloudFormation gives the configuration: a reference."""
        return self.config.get_att("EndpointConfigName").to_string()

    def _make_site(self, image: EndpointImage, data: StorageBase, network: Placement | None) -> Site:
        spec, project = self.spec, self._project
        self.role_arn = self._role_arn(image, data, network)
        owner = {} if spec.owner is None else {"owner": spec.owner}
        tags = {**project.all_tags, **owner, **spec.tags, names.STACK_TAG: cdk.Stack.of(self).stack_name}
        site = Site(
            endpoint_name=self.endpoint_name,
            role_arn=self.role_arn,
            artifact_bucket=data.places.artifact_bucket,
            image_uris=image.uris,
            model_urls={},
            key_arn=data.places.key_arn,
            subnets=() if network is None else network.subnet_ids,
            security_group_ids=() if network is None else network.security_group_ids,
            tags=tags,
        )
        urls, self.has_model = self._models(site)
        return Site(**{**{name: getattr(site, name) for name in site.__slots__}, "model_urls": urls})

    def _models(self, site: Site) -> tuple[Mapping[str, str], cdk.CfnCondition | None]:
        """Where each variant's model lies, and the condition that every one is known."""
        given: dict[str, Override] = {}
        unknown: list[cdk.CfnCondition] = []
        for key, parameter in endpoint_parameters(self.spec).items():
            model = self.spec.model if key == "" else self.spec.model_of(key)
            known = None if model.s3 is None else site.address(model.s3, "")
            given[key] = Override(self, f"Model{key.capitalize()}", parameter=parameter, otherwise=known)
            if known is None:
                unknown.append(given[key].given)
        # Where nothing is known but the parameter, the condition below has seen that it is there
        known_urls = {key: one.reference if one.given in unknown else one.value for key, one in given.items()}
        urls = {name: known_urls[parameter_of(self.spec, name)] for name in self.spec.variants}
        if not unknown:
            return urls, None
        conditions = cast("list[cdk.ICfnConditionExpression]", unknown)  # jsii's protocol hides that a condition is one
        every = conditions[0] if len(conditions) == 1 else cdk.Fn.condition_and(*conditions)
        condition = cdk.CfnCondition(self, "HasModel", expression=every)
        condition.override_logical_id("HasModel")
        return urls, condition

    def _role_arn(self, image: EndpointImage, data: StorageBase, network: Placement | None) -> str:
        if self._given is not None:
            return self._given.role_arn
        self._path = names.endpoint_role_path(self._project.name, self._project.stage)
        _, self._made = service_role(
            self,
            "",
            project=self._project,
            service="sagemaker.amazonaws.com",
            when=THIS_ACCOUNT,
            allows=f"Serves {self.endpoint_name}",
            description=f"Serves {self.endpoint_name}",
            statements=endpoint_statements(
                self.spec,
                project=self._project,
                storage=data,
                image=image,
                network=network,
                endpoint_name=self.endpoint_name,
            ),
            path=self._path,
        )
        return self._made.attr_arn

    @property
    def role(self) -> iam.IRole:
        """What the containers run as; what others grant to it is added to it."""
        return self._given if self._given is not None else role_view(self, "RoleView", self._made, path=self._path)

    def _config(self, image: EndpointImage) -> cdk.CfnResource:
        models = {}
        for name in self.spec.variants:
            request = model_request(self.spec, name, self._site)
            model = self._resource(f"Model-{name}", "AWS::SageMaker::Model", request)
            if image.built is not None:
                model.node.add_dependency(image.built)
            models[name] = model.get_att("ModelName").to_string()
        request = config_request(self.spec, self._site, models)
        return self._resource("Config", "AWS::SageMaker::EndpointConfig", request)

    def _alarms(self) -> list[cdk.CfnResource]:
        found = []
        for one in alarms_of(self.spec, self.endpoint_name, self.config_name):
            told = {} if self._topic is None else {"AlarmActions": [self._topic]}
            properties = {"AlarmName": one.name, **one.properties, **told}
            alarm = self._resource(one.construct_id, "AWS::CloudWatch::Alarm", properties)
            if one.rolls_back:
                found.append(alarm)
        return found

    def _resource(self, construct_id: str, kind: str, properties: Mapping[str, Any]) -> cdk.CfnResource:
        """One call in place of the dozens that CDK's typed classes of SageMaker take, and AWS's own field names."""
        resource = cdk.CfnResource(self, construct_id, type=kind, properties=properties)
        if self.has_model is not None:
            resource.cfn_options.condition = self.has_model
        return resource
