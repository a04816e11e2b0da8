"""The builds of images in the cloud: a CodeBuild project for each platform, and who starts and who ends them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_logs as logs
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, REGION, arn, bucket_arn, key_arn
from shardyard.core.function import HandlerFunction
from shardyard.core.project import Project
from shardyard.core.roles import THIS_ACCOUNT, service_role
from shardyard.foundation.permissions import PULL, PUSH
from shardyard.images.job_image import dlc_account
from shardyard.spec import names
from shardyard.spec.catalogue.images import DLC_IMAGES

_ENDS = ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"]
_PLATFORMS: Mapping[str, tuple[str, str]] = {
    "linux/amd64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    "linux/arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}
_THERE = 'aws ecr describe-images --repository-name "$REPOSITORY" --image-ids imageTag="$TAG"'
_LOG_IN = "aws ecr get-login-password | docker login --username AWS --password-stdin"
BUILDSPEC: Mapping[str, Any] = {
    "version": 0.2,
    "env": {"variables": {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}},
    "phases": {
        "pre_build": {
            "commands": [
                # Another deploy may have built it meanwhile: a tag never moves
                f'if {_THERE} >/dev/null 2>&1; then echo "$REPOSITORY:$TAG is there already"; touch .there; fi',
                f'{_LOG_IN} "${{URI%%/*}}"',
                f'test -z "$BASE_REGISTRY" || {_LOG_IN} "$BASE_REGISTRY"',
            ]
        },
        "build": {
            "commands": [
                'test -f .there || docker build --platform "$PLATFORM" --file "containers/$FOLDER/Dockerfile" '
                # A folder of one image has no base but its Dockerfile's own, which an empty argument would hide
                '${BASE_IMAGE:+--build-arg "BASE_IMAGE=$BASE_IMAGE"} ${VARIANT:+--build-arg "VARIANT=$VARIANT"} '
                '--build-arg INDEX="$INDEX" '
                '--build-arg CONTENT="$CONTENT" --tag "$URI" .',
                f'test -f .there || docker push "$URI" || {_THERE}',
            ]
        },
    },
}
"""What a build does; its variables come with its start."""


class ImageBuilder(Construct):
    """Builds images where their platform is, and has each build's end answered to the deploy that waits for it.

    `ImageBuilder(stack, "Builder", project=project, key=key, repositories=[...])`
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        repositories: Sequence[str],
        key: IKeyRef | None,
        platforms: Sequence[str] = ("linux/amd64",),
        minutes: int = 45,
    ) -> None:
        """`repositories` are the ARNs of those that it pushes to; a build that takes longer than `minutes` fails.

        CloudFormation waits for an hour at most.
        """
        super().__init__(scope, construct_id)
        self._project, self._key, self._minutes = project, key, minutes
        self._repositories = repositories
        self.log_group = logs.CfnLogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/codebuild/{project.prefix}-images",
            retention_in_days=project.log_days,
            kms_key_id=key,
        )
        self.log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        _, self.role = service_role(
            self,
            "Build",
            project=project,
            service="codebuild.amazonaws.com",
            allows=f"What builds of images of {project.prefix} may do",
            description=f"Builds images of {project.prefix}",
            statements=self._build_statements(),
            when=THIS_ACCOUNT,
        )
        self.projects = {one: self._build_project(one) for one in platforms}
        self.start = self._start_function()
        self.finish = self._finish_function()
        self.rule = self._rule()

    def project_of(self, platform: str) -> codebuild.CfnProject:
        """The project that builds for a platform."""
        return self.projects[platform]

    def _build_statements(self) -> list[policy.Statement]:
        assets = bucket_arn(f"cdk-*-assets-{ACCOUNT_ID}-{REGION}")
        publisher = dlc_account(cdk.Stack.of(self))
        published = sorted({one["repository"] for versions in DLC_IMAGES.values() for one in versions.values()})
        return [
            # The log group's ARN ends in ':*' by itself and so covers its streams.
            policy.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [self.log_group.attr_arn]),
            policy.allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{assets}/*"]),
            policy.allow(["ecr:GetAuthorizationToken"], ["*"]),  # knows no resources in IAM
            policy.allow(["ecr:DescribeImages", *PULL, *PUSH], self._repositories),
            # AWS's containers, which images are built on, lie in accounts of AWS's
            policy.allow(PULL, [arn("ecr", f"repository/{name}", account=publisher) for name in published]),
            *(
                []
                if self._key is None
                else [policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn(self._key)])]
            ),
        ]

    def _build_project(self, platform: str) -> codebuild.CfnProject:
        kind, image = _PLATFORMS[platform]
        architecture = platform.rpartition("/")[2]
        return codebuild.CfnProject(
            self,
            architecture.capitalize(),
            name=f"{self._project.prefix}-images-{architecture}",
            description=f"Builds images of containers/ for {platform}",
            service_role=self.role.attr_arn,
            source=codebuild.CfnProject.SourceProperty(type="NO_SOURCE", build_spec=json.dumps(BUILDSPEC, indent=1)),
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type=kind,
                image=image,
                compute_type="BUILD_GENERAL1_MEDIUM",
                # Docker's daemon needs it, and builds do nothing but docker
                privileged_mode=True,
                image_pull_credentials_type="CODEBUILD",
            ),
            cache=codebuild.CfnProject.ProjectCacheProperty(type="LOCAL", modes=["LOCAL_DOCKER_LAYER_CACHE"]),
            encryption_key=None if self._key is None else key_arn(self._key),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=self.log_group.ref
                )
            ),
            timeout_in_minutes=self._minutes,
            queued_timeout_in_minutes=_QUEUED_MINUTES,
        )

    def _start_function(self) -> HandlerFunction:
        return HandlerFunction(
            self,
            "Start",
            project=self._project,
            handler="images/start_build",
            description="Starts the build of an image that is not there",
            statements=[
                policy.allow(["ecr:DescribeImages"], self._repositories),
                policy.allow(["codebuild:StartBuild"], self._project_arns),
            ],
            key=self._key,
        )

    def _finish_function(self) -> HandlerFunction:
        return HandlerFunction(
            self,
            "Finish",
            project=self._project,
            handler="images/finish_build",
            description="Tells the deploy that waits how the build of an image ended",
            statements=[
                policy.allow(["ecr:DescribeImages"], self._repositories),
                policy.allow(["codebuild:BatchGetBuilds"], self._project_arns),
                policy.allow(["logs:GetLogEvents"], [self.log_group.attr_arn]),
            ],
            key=self._key,
        )

    @property
    def _project_arns(self) -> list[str]:
        return [one.attr_arn for one in self.projects.values()]

    def _rule(self) -> events.CfnRule:
        pattern = {
            "source": ["aws.codebuild"],
            "detail-type": ["CodeBuild Build State Change"],
            "detail": {"build-status": _ENDS, "project-name": [one.ref for one in self.projects.values()]},
        }
        rule = events.CfnRule(
            self,
            "Ended",
            name=names.rule_name(self._project.name, self._project.stage, "image-builds"),
            description=f"Wakes who answers for builds of images of {self._project.prefix}",
            event_pattern=pattern,
            state="ENABLED",
            targets=[events.CfnRule.TargetProperty(id="handler", arn=self.finish.arn)],
        )
        self.permission = self.finish.allow_invoke(
            "MayBeWoken", service="events.amazonaws.com", source_arn=rule.attr_arn
        )
        return rule


_QUEUED_MINUTES = 10
