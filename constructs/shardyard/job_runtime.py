"""What all jobs share: the functions behind their state machines, and the resources that are one for all jobs."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from shardyard import policy
from shardyard.function import CustomResource, HandlerFunction
from shardyard.registry import Registry
from shardyard.spec import names
from shardyard.spec.settings import Settings
from shardyard.storage import Storage


class JobRuntime(Construct):
    """The functions that check, classify, account for and clean up launches; each made when a job needs it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: Storage,
        registry: Registry,
        topic_arn: str,
        dashboard_name: str,
        outside_buckets: Sequence[str] = (),
    ) -> None:
        """`outside_buckets` are those that jobs read besides the project's own; preflight looks into them."""
        super().__init__(scope, construct_id)
        self.settings, self.storage, self.registry = settings, storage, registry
        self.topic_arn, self.dashboard_name = topic_arn, dashboard_name
        self._functions: dict[str, HandlerFunction] = {}
        self._bundles: dict[str, dict[str, str]] = {}
        self._machines: dict[str, str] = {}
        self._sources: CustomResource | None = None
        self._launches: CustomResource | None = None
        self._artifacts = storage.artifact_bucket.attr_arn
        self._preflight(outside_buckets)
        self._classify()
        self._receipt()
        self._janitor()
        self._quota_codes()

    def function_arn(self, handler: str) -> str:
        """The ARN of a step's function; `submit` and `register` are made when the first job needs them."""
        if handler not in self._functions:
            {"submit": self._submit, "register": self._register}[handler]()
        return self._functions[handler].arn

    def add_bundle(self, bundle: bytes) -> str:
        """Have a zip of code put into the artifact bucket by the deploy; returns its hash."""
        sha256 = hashlib.sha256(bundle).hexdigest()
        if sha256 not in self._bundles:
            self._bundles[sha256] = self._asset(sha256, bundle)
            if self._sources is None:
                self._sources = self._source_resource()
            self._sources.add_property_override(f"Bundles.{sha256}", self._bundles[sha256])
        return sha256

    def launch_on_deploy(self, machine_arn: str, digest: str) -> None:
        """Have the deploy start a machine whenever its definition has changed."""
        if self._launches is None:
            self._launches = self._launch_resource()
        self._machines[machine_arn] = digest
        self._launches.add_property_override("Machines", self._machines)

    def _function(
        self,
        handler: str,
        description: str,
        statements: list[policy.Statement],
        *,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: int = 60,
        memory_mb: int = 256,
    ) -> HandlerFunction:
        function = HandlerFunction(
            self,
            "".join(word.capitalize() for word in handler.split("_")),
            settings=self.settings,
            handler=handler,
            description=description,
            statements=statements,
            key=self.storage.key,
            environment=environment,
            timeout_seconds=timeout_seconds,
            memory_mb=memory_mb,
        )
        self._functions[handler] = function
        return function

    def _preflight(self, outside_buckets: Sequence[str]) -> None:
        outside = [f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}" for bucket in sorted(set(outside_buckets))]
        buckets = [self.storage.data_bucket.attr_arn, *outside]
        self._function(
            "preflight",
            "Checks a launch before anything is paid for, and builds its request",
            [
                policy.allow(["s3:ListBucket"], [*buckets, self._artifacts]),
                policy.allow(["s3:GetObject"], [*(f"{arn}/*" for arn in buckets), f"{self._artifacts}/quotas/*"]),
                policy.allow(["s3:GetObject"], [f"{self._artifacts}/source/*"]),
                policy.allow(["kms:Decrypt"], [self.storage.key.attr_arn]),
                policy.allow(["ecr:DescribeImages"], [_arn("ecr", "repository/*")]),
                policy.allow(["sagemaker:DescribeTrainingJob"], [_arn("sagemaker", "training-job/*")]),
                # These know no resources in IAM.
                policy.allow(
                    [
                        "pricing:GetProducts",
                        "sagemaker:ListTrainingJobs",
                        "servicequotas:GetAWSDefaultServiceQuota",
                        "servicequotas:GetServiceQuota",
                        "servicequotas:ListAWSDefaultServiceQuotas",
                        "servicequotas:ListServiceQuotas",
                    ],
                    ["*"],
                ),
            ],
            # More memory is more processor: most of the time goes into parsing answers.
            memory_mb=1024,
        )

    def _classify(self) -> None:
        self._function(
            "classify",
            "Reads why an attempt ended and decides what the launch does next",
            [
                policy.allow(
                    ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"],
                    [_arn("sagemaker", "training-job/*")],
                )
            ],
        )

    def _receipt(self) -> None:
        self._function(
            "receipt",
            "Writes down what a launch did and what it cost",
            [
                policy.allow(["sagemaker:DescribeTrainingJob"], [_arn("sagemaker", "training-job/*")]),
                policy.allow(["s3:PutObject"], [f"{self._artifacts}/runs/*/receipt.json"]),
                policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [self.storage.key.attr_arn]),
            ],
        )

    def _submit(self) -> None:
        project = f"{self.settings.project}-{self.settings.stage}"
        self._function(
            "submit",
            "Creates training jobs with fields that Step Functions does not know",
            [
                policy.allow(
                    ["sagemaker:AddTags", "sagemaker:CreateTrainingJob"], [_arn("sagemaker", "training-job/*")]
                ),
                policy.allow(
                    ["iam:PassRole"],
                    [f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:role/{project}-*"],
                    when={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                ),
            ],
        )

    def _register(self) -> None:
        packages = [_arn("sagemaker", "model-package-group/*"), _arn("sagemaker", "model-package/*")]
        self._function(
            "register",
            "Registers trained models, pending approval",
            [
                policy.allow(["sagemaker:DescribeTrainingJob"], [_arn("sagemaker", "training-job/*")]),
                policy.allow(["sagemaker:CreateModelPackage"], packages),
                policy.allow(["s3:GetObject", "s3:PutObject"], [f"{self._artifacts}/runs/*"]),
                policy.allow(["s3:GetBucketLocation", "s3:ListBucket"], [self._artifacts]),
                policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [self.storage.key.attr_arn]),
                policy.allow(["ecr:BatchGetImage", "ecr:DescribeImages"], [_arn("ecr", "repository/*")]),
            ],
        )

    def _janitor(self) -> None:
        function = self._function(
            "janitor",
            "Stops what an execution that was stopped may have left running",
            [
                policy.allow(["sagemaker:ListTrainingJobs"], ["*"]),  # knows no resources in IAM
                policy.allow(
                    ["sagemaker:ListTags", "sagemaker:StopTrainingJob"], [_arn("sagemaker", "training-job/*")]
                ),
            ],
        )
        machines = names.state_machine_name(self.settings.project, self.settings.stage, "")
        rule = events.CfnRule(
            self,
            "StoppedExecutions",
            name=names.rule_name(self.settings.project, self.settings.stage, "stopped-executions"),
            description="An execution ended without an answer: stop the training jobs that it made",
            event_pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                    "stateMachineArn": [{"prefix": _arn("states", f"stateMachine:{machines}")}],
                },
            },
            targets=[events.CfnRule.TargetProperty(id="janitor", arn=function.arn)],
        )
        function.allow_invoke("MayBeWoken", service="events.amazonaws.com", source_arn=rule.attr_arn)

    def _quota_codes(self) -> None:
        function = self._function(
            "quota_codes",
            "Resolves the codes of SageMaker's training quotas and keeps them for preflight",
            [
                policy.allow(["servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListServiceQuotas"], ["*"]),
                policy.allow(["s3:PutObject"], [f"{self._artifacts}/{names.QUOTA_CODES_KEY}"]),
                policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [self.storage.key.attr_arn]),
            ],
            timeout_seconds=300,
        )
        CustomResource(
            self,
            "QuotaCodeMap",
            kind="QuotaCodes",
            function=function,
            properties={"Bucket": self.storage.artifact_bucket.ref, "Key": names.QUOTA_CODES_KEY},
        )

    def _source_resource(self) -> CustomResource:
        assets = {asset["Bucket"] for asset in self._bundles.values()}
        function = self._function(
            "source",
            "Puts bundles of user code where jobs read them",
            [
                policy.allow(["s3:GetObject"], [f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}/*" for bucket in assets]),
                policy.allow(["s3:ListBucket"], [self._artifacts]),
                policy.allow(["s3:GetObject", "s3:PutObject"], [f"{self._artifacts}/source/*"]),
                policy.allow(["kms:Decrypt", "kms:GenerateDataKey"], [self.storage.key.attr_arn]),
            ],
            timeout_seconds=300,
        )
        properties = {"Bucket": self.storage.artifact_bucket.ref}
        return CustomResource(self, "Sources", kind="SourceBundles", function=function, properties=properties)

    def _launch_resource(self) -> CustomResource:
        machines = names.state_machine_name(self.settings.project, self.settings.stage, "*")
        function = self._function(
            "launch",
            "Starts jobs on deploy",
            [policy.allow(["states:StartExecution"], [_arn("states", f"stateMachine:{machines}")])],
        )
        return CustomResource(self, "Launches", kind="Launches", function=function, properties={})

    def _asset(self, sha256: str, bundle: bytes) -> dict[str, str]:
        name = f"asset.{sha256}.zip"
        folder = Path(cast(cdk.Stage, cdk.Stage.of(self)).asset_outdir)
        if not (folder / name).exists():
            (folder / name).write_bytes(bundle)
        location = cdk.Stack.of(self).synthesizer.add_file_asset(
            source_hash=sha256, file_name=name, packaging=cdk.FileAssetPackaging.FILE, display_name="source bundle"
        )
        return {"Bucket": location.bucket_name, "Key": location.object_key}


def _arn(service: str, resource: str) -> str:
    return f"arn:{cdk.Aws.PARTITION}:{service}:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:{resource}"
