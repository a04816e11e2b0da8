"""Rules about transform jobs: machines, images, models, variables."""

import re
from collections.abc import Iterator

from contract import variables
from shardyard.spec.catalogue.transform_types import TRANSFORM_TYPES, TRANSFORM_TYPES_DATE
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.compute import Capacity
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules.base import Facts, named_types, rule

API = "CreateTransformJob, service model of botocore 1.44.8"
MODEL_API = "CreateModel, service model of botocore 1.44.8"
OF_THE_SERVICE = (
    "SAGEMAKER_BATCH",
    "SAGEMAKER_BATCH_STRATEGY",
    "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
    "SAGEMAKER_MAX_PAYLOAD_IN_MB",
)
"""Variables that SageMaker sets in the container (developer guide, your-algorithms-batch-code)."""
_VOLUME_GB = Capacity.__dataclass_fields__["volume_gb"].default


@rule(
    "transform-type-exists",
    of=TransformSpec,
    reason="SageMaker refuses a type that it does not transform on.",
    source=f"{API}: TransformInstanceType",
    by_type=True,
)
def transform_type_exists(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """Every instance type of a transform job is one that SageMaker transforms on."""
    for where, kind in named_types(spec):
        if kind not in TRANSFORM_TYPES:
            message = f"{kind!r} is no transform instance type of {TRANSFORM_TYPES_DATE}"
            yield Problem(where, f"{message}; {nearest(kind, TRANSFORM_TYPES)}")


@rule(
    "transform-instance-count",
    of=TransformSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: InstanceCount, `the maximum is 100`",
)
def transform_instance_count(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job has at most 100 instances."""
    if spec.compute.most_instances > 100:
        yield Problem("compute.count", f"{spec.compute.most_instances} instances are not allowed (100 or fewer)")


@rule(
    "transform-instances-are-plain",
    of=TransformSpec,
    reason="CreateTransformJob has no field for it.",
    source=f"{API}: TransformResources has a type, a count, a key and an image of the machine",
)
def transform_instances_are_plain(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job names one instance type and no size of a disk."""
    if spec.compute.preferences:
        message = "a transform job has one instance type (give instance_type, and the others under compute.fallback)"
        yield Problem("compute.preferences", message)
    if spec.compute.volume_gb != _VOLUME_GB:
        yield Problem("compute.volume", "the disk of a transform instance cannot be chosen (remove it)")


@rule(
    "transform-image",
    of=TransformSpec,
    reason="The container would not serve, or the Model could not say how to get it.",
    source=f"{MODEL_API}: ContainerDefinition; AWS's containers of the catalogue are those for training",
)
def transform_image(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job's image is one of ECR that serves: a folder of containers/, a repository, or an algorithm's."""
    for name in ("algorithm", "framework"):
        if getattr(spec.image, name) is not None:
            message = "it is an image for training (give folder, or the repository of an image that serves)"
            yield Problem(f"image.{name}", message)
    for name in ("access", "credentials_function"):
        if getattr(spec.image, name) is not None:
            message = "Step Functions' own createModel is not known to take it (push the image to ECR, and remove this)"
            yield Problem(f"image.{name}", message)
    for name in ("entrypoint", "arguments"):
        if getattr(spec.image, name):
            message = "SageMaker starts a model's container with `serve` alone (put it into the image)"
            yield Problem(f"image.{name}", message)


@rule(
    "transform-code-is-in-the-model",
    of=TransformSpec,
    reason="Nothing would bring it into the container.",
    source=f"{MODEL_API}: a Model has an image and an archive",
)
def transform_code_is_in_the_model(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job has no code of its own."""
    if spec.source is not None:
        message = "code for inference lies in code/ of the model's archive, or in the image (remove this table)"
        yield Problem("source", message)


@rule(
    "transform-has-no-secrets",
    of=TransformSpec,
    reason="Nothing reads them: the container would find no such variable.",
    source="Shardyard's container contract: the launcher of training jobs reads secrets",
)
def transform_has_no_secrets(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job has no [secrets]."""
    if spec.secrets:
        yield Problem("secrets", "a model's container is not started by the launcher (let its code read them)")


@rule(
    "transform-model-is-an-archive",
    of=TransformSpec,
    reason="A transform job takes a Model with ModelDataUrl alone, which is an archive.",
    source=f"{MODEL_API}: ModelDataUrl; sagemaker-python-sdk issue 4777: a Model with ModelDataSource is refused",
)
def transform_model_is_an_archive(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A model in S3 is a .tar.gz file."""
    if spec.model.s3 is not None and not spec.model.s3.endswith(".tar.gz"):
        yield Problem("model.s3", f"{spec.model.s3!r} is no archive (a key that ends in .tar.gz)")


@rule(
    "transform-encrypts-no-traffic",
    of=TransformSpec,
    reason="Neither the Model nor the job has a field for it, and the value would mean nothing.",
    source=f"{API} and {MODEL_API}: neither has EnableInterContainerTrafficEncryption",
)
def transform_encrypts_no_traffic(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """The instances of a transform job do not talk to each other, so there is no traffic to encrypt."""
    if spec.network.encrypt_traffic:
        yield Problem("network.encrypt_traffic", "instances that transform do not talk to each other (remove it)")


@rule(
    "transform-environment",
    of=TransformSpec,
    reason="SageMaker refuses the request, or sets the variable itself.",
    source=f"{API}: Environment, at most 16 entries, names of 1024 and values of 10240 letters",
)
def transform_environment(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job has at most 16 variables, and none that SageMaker or Shardyard sets."""
    if len(spec.environment) > 16:
        yield Problem("environment", f"{len(spec.environment)} variables are not allowed (16 or fewer)")
    for name, value in spec.environment.items():
        where = f"environment.{name}"
        if name.startswith(variables.PREFIX) or name in OF_THE_SERVICE:
            yield Problem(where, "this variable is set by Shardyard or SageMaker (choose another name)")
        elif re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,1023}", name) is None:
            yield Problem(where, f"{name[:40]!r} is not allowed (letters, digits and underscores, no digit first)")
        if len(value) > 10240:
            yield Problem(where, f"a value of {len(value)} letters is not allowed (10240 or fewer)")
