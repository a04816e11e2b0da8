"""The functions behind the state machines: what each is for and exactly what it may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, REGION, arn, bucket_arn
from shardyard.core.project import Project
from shardyard.foundation.storage_base import StorageBase
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, TUNING, ServiceJob


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSpec:
    """One handler as a Lambda function."""

    handler: str
    """Its folder in `shardyard.handlers`."""
    description: str
    statements: Sequence[policy.Statement]
    environment: Mapping[str, str] | None = None
    timeout_seconds: int = 60
    memory_mb: int = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What the functions reach."""

    project: Project
    storage: StorageBase
    topic_arn: str | None
    """Where people are told; None where nobody is."""
    outside_buckets: Sequence[str]
    """Buckets that jobs read besides the project's own."""
    outside_keys: Sequence[str] = ()
    """Keys of those buckets."""
    given_roles: Sequence[str] = ()
    """Roles that jobs on the second path were given, besides those that were made for them."""
    training_plans: Sequence[str] = ()
    """Training plans that jobs run on."""
    keeps_ledger: bool = False
    """Whether owners have a monthly cap, so that each launch is entered."""
    secrets: Sequence[str] = ()
    """Secrets that jobs read, as ARNs."""

    kinds: Sequence[ServiceJob] = (TRAINING,)
    """What is launched."""

    def jobs(self, *verbs: str) -> list[policy.Statement]:
        """Do this with the jobs of every kind: `Describe`, `Stop`."""
        return [policy.allow(of.actions(*verbs), [_jobs(of)]) for of in self.kinds]

    def list_trials(self) -> list[policy.Statement]:
        """List the trials of searches, where there are any."""
        if TUNING not in self.kinds:
            return []
        return [policy.allow(["sagemaker:ListTrainingJobsForHyperParameterTuningJob"], [_jobs(TUNING)])]

    def list_candidates(self) -> list[policy.Statement]:
        """List the candidates of AutoML jobs, where there are any, and look at the jobs behind them."""
        if AUTOML not in self.kinds:
            return []
        steps = [of for of in (PROCESSING, TRAINING, TRANSFORM) if of not in self.kinds]
        return [
            policy.allow(["sagemaker:ListCandidatesForAutoMLJob"], ["*"]),  # it knows no resources in IAM
            *(policy.allow(of.actions("Describe"), [_jobs(of)]) for of in steps),
        ]

    def forget_models(self) -> list[policy.Statement]:
        """Delete the Models of launches that were cut off."""
        return [
            policy.allow(["sagemaker:ListModels"], ["*"]),  # it knows no resources in IAM
            policy.allow(["sagemaker:DeleteModel", "sagemaker:ListTags"], [arn("sagemaker", "model/*")]),
        ]

    @property
    def artifacts(self) -> str:
        """The artifact bucket's ARN."""
        return self.storage.places.artifact_arn

    def keep_ledger(self, *actions: str) -> list[policy.Statement]:
        """Do this with the month's entries, where there are any."""
        if not self.keeps_ledger:
            return []
        return [policy.allow(actions, [f"{self.artifacts}/{names.LEDGER}/*"]), *self.writes_with_key()]

    def writes_with_key(self) -> list[policy.Statement]:
        """Write what a key encrypts: objects, messages."""
        return self.storage.places.use_keys("kms:Decrypt", "kms:GenerateDataKey")


def _preflight(around: Surroundings) -> FunctionSpec:
    outside = [bucket_arn(bucket) for bucket in sorted(set(around.outside_buckets))]
    buckets = [around.storage.places.data_arn, *outside]
    keys = [*around.storage.places.key_arns, *around.outside_keys]
    kept = [f"{around.artifacts}/{names.QUOTA_CODES_KEY}", f"{around.artifacts}/source/*"]
    return FunctionSpec(
        handler="launch/preflight",
        description="Checks a launch before anything is paid for, and builds its request",
        statements=[
            policy.allow(["s3:ListBucket"], [*buckets, around.artifacts]),
            policy.allow(["s3:GetObject"], [*(f"{bucket}/*" for bucket in buckets), *kept]),
            *([policy.allow(["kms:Decrypt"], keys)] if keys else []),
            *around.keep_ledger("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            # What images say of themselves: a layer of theirs, which is read by an address of its own
            policy.allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], [arn("ecr", "repository/*")]),
            *around.jobs("Describe"),
            *(around.list_trials() if around.keeps_ledger else ()),  # what a search has cost that was cut off
            # Whether they are there; their values are the jobs' alone.
            *([policy.allow(["secretsmanager:DescribeSecret"], around.secrets)] if around.secrets else []),
            # These know no resources in IAM.
            policy.allow(
                [
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "pricing:GetProducts",
                    *(of.list_action for of in around.kinds),
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


def _classify(around: Surroundings) -> FunctionSpec:
    return FunctionSpec(
        handler="launch/classify",
        description="Reads why an attempt ended and decides what the launch does next",
        statements=[*around.jobs("Describe", "Stop"), *around.list_trials()],
    )


def _receipt(around: Surroundings) -> FunctionSpec:
    return FunctionSpec(
        handler="launch/receipt",
        description="Writes down what a launch did and what it cost",
        statements=[
            *around.jobs("Describe"),
            *around.list_trials(),
            *around.list_candidates(),
            policy.allow(["s3:PutObject"], [f"{around.artifacts}/runs/*/receipt.json"]),
            *around.keep_ledger("s3:GetObject", "s3:PutObject"),
            *around.writes_with_key(),
        ],
    )


def _submit(around: Surroundings) -> FunctionSpec:
    # Jobs of other stacks too, which stand on this one: their roles are known by their path alone.
    roles = arn("iam", f"role{names.job_role_path(around.project.name, around.project.stage)}*", region="")
    return FunctionSpec(
        handler="launch/submit",
        description="Creates and watches training jobs that Step Functions' own task does not serve",
        statements=[
            *(
                policy.allow(["sagemaker:AddTags", *of.actions("Create", "Describe", "Stop")], [_jobs(of)])
                for of in around.kinds
            ),
            *around.list_trials(),
            *_on_plans(around.training_plans),
            policy.allow(
                ["iam:PassRole"],
                [roles, *around.given_roles],
                when={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
        ],
    )


def _on_plans(plans: Sequence[str]) -> list[policy.Statement]:
    """Create jobs on these plans, and on the capacity that they reserved, whose names nobody knows before."""
    if not plans:
        return []
    reserved = {f"{plan.partition(':training-plan/')[0]}:reserved-capacity/*" for plan in plans}
    return [policy.allow(["sagemaker:CreateTrainingJob"], [*sorted(reserved), *plans])]


def _register(around: Surroundings) -> FunctionSpec:
    packages = [arn("sagemaker", "model-package-group/*"), arn("sagemaker", "model-package/*")]
    return FunctionSpec(
        handler="launch/register",
        description="Registers trained models, pending approval",
        statements=[
            policy.allow(TRAINING.actions("Describe"), [_jobs(TRAINING)]),
            policy.allow(
                ["sagemaker:AddTags", "sagemaker:CreateModelPackage", "sagemaker:CreateModelPackageGroup"], packages
            ),
            policy.allow(["s3:GetObject", "s3:PutObject"], [f"{around.artifacts}/runs/*"]),
            policy.allow(["s3:GetBucketLocation", "s3:ListBucket"], [around.artifacts]),
            *around.writes_with_key(),
            policy.allow(["ecr:BatchGetImage", "ecr:DescribeImages"], [arn("ecr", "repository/*")]),
        ],
    )


def _janitor(around: Surroundings) -> FunctionSpec:
    topic = around.topic_arn
    return FunctionSpec(
        handler="launch/janitor",
        description="Stops what an execution that was stopped may have left running, and says so",
        environment={
            **({} if topic is None else {"TOPIC_ARN": topic}),
            **({"LEDGER_BUCKET": around.storage.places.artifact_bucket} if around.keeps_ledger else {}),
            **({} if around.kinds == (TRAINING,) else {"KINDS": ",".join(of.kind for of in around.kinds)}),
            "MACHINES": names.state_machine_name(around.project.name, around.project.stage, ""),
        },
        statements=[
            *([] if topic is None else [policy.allow(["sns:Publish"], [topic]), *around.writes_with_key()]),
            *around.keep_ledger("s3:GetObject", "s3:PutObject"),
            *([policy.allow(["s3:ListBucket"], [around.artifacts])] if around.keeps_ledger else []),
            policy.allow([of.list_action for of in around.kinds], ["*"]),  # knows no resources in IAM
            *(policy.allow(["sagemaker:ListTags", *of.actions("Stop")], [_jobs(of)]) for of in around.kinds),
            *(around.forget_models() if TRANSFORM in around.kinds else ()),
        ],
    )


def _quota_codes(around: Surroundings) -> FunctionSpec:
    return FunctionSpec(
        handler="resources/quota_codes",
        description="Resolves the codes of SageMaker's training quotas and keeps them for preflight",
        statements=[
            # These know no resources in IAM.
            policy.allow(["servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListServiceQuotas"], ["*"]),
            policy.allow(["s3:PutObject"], [f"{around.artifacts}/{names.QUOTA_CODES_KEY}"]),
            *around.writes_with_key(),
        ],
        timeout_seconds=300,
    )


def _source(around: Surroundings) -> FunctionSpec:
    # The bucket of the deploy's assets is the bootstrap's; its name is fixed by account and region.
    assets = bucket_arn(f"cdk-*-assets-{ACCOUNT_ID}-{REGION}")
    return FunctionSpec(
        handler="resources/source",
        description="Puts bundles of user code where jobs read them",
        statements=[
            policy.allow(["s3:GetObject"], [f"{assets}/*"]),
            policy.allow(["s3:ListBucket"], [around.artifacts]),
            policy.allow(["s3:GetObject", "s3:PutObject"], [f"{around.artifacts}/source/*"]),
            *around.writes_with_key(),
        ],
        timeout_seconds=300,
    )


def _launch(around: Surroundings) -> FunctionSpec:
    machines = names.state_machine_name(around.project.name, around.project.stage, "*")
    return FunctionSpec(
        handler="resources/start_on_deploy",
        description="Starts jobs on deploy",
        statements=[policy.allow(["states:StartExecution"], [arn("states", f"stateMachine:{machines}")])],
    )


FUNCTIONS: Mapping[str, Callable[[Surroundings], FunctionSpec]] = {
    "preflight": _preflight,
    "classify": _classify,
    "receipt": _receipt,
    "submit": _submit,
    "register": _register,
    "janitor": _janitor,
    "quota_codes": _quota_codes,
    "source": _source,
    "launch": _launch,
}
"""Every function by its name."""


def _jobs(of: ServiceJob) -> str:
    return arn("sagemaker", f"{of.arn_part}/*")
