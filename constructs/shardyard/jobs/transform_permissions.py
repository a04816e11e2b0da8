"""What one transform job's role may do: its own model, input, output and image. SageMaker takes the Model's role."""

from collections.abc import Iterator

from shardyard.core import policy
from shardyard.core.arns import arn, bucket_arn
from shardyard.foundation.storage_base import Places
from shardyard.images.job_image import JobImage
from shardyard.jobs.job_permissions import WRITE, own_keys, pull_image, read_prefixes
from shardyard.spec.jobs.transform.transform import TransformSpec


def transform_statements(spec: TransformSpec, *, places: Places, image: JobImage) -> list[policy.Statement]:
    """What this job alone needs; `common_statements` has the rest."""
    capture = None if spec.capture is None else spec.capture.kms_key
    return [
        *_read(spec, places),
        *_write(spec, places),
        *own_keys(spec.compute.volume_kms_key, spec.output.kms_key, capture),
        *pull_image(image),
    ]


def model_statements() -> list[policy.Statement]:
    """What a machine may do with the Model of its launch."""
    models = [arn("sagemaker", "model/*")]
    return [policy.allow(["sagemaker:AddTags", "sagemaker:CreateModel", "sagemaker:DeleteModel"], models)]


def outside_buckets(spec: TransformSpec) -> list[str]:
    """The buckets that the job reads besides the project's own."""
    read = [spec.model.s3, *(one.s3 for one in spec.inputs.values())]
    named = (place for place in read if place is not None and place.startswith("s3://"))
    return [place.removeprefix("s3://").partition("/")[0] for place in named]


def _place(address: str, bucket: str, places: Places) -> tuple[str, str]:
    """The bucket's ARN and the key of an address."""
    if address.startswith("s3://"):
        outside, _, key = address.removeprefix("s3://").partition("/")
        return bucket_arn(outside), key
    return places.data_arn if bucket == "data" else places.artifact_arn, address


def _read(spec: TransformSpec, places: Places) -> Iterator[policy.Statement]:
    prefixes: dict[str, list[str]] = {}
    for one in spec.inputs.values():
        where, key = _place(one.s3, one.bucket, places)
        # A manifest names objects anywhere in its bucket.
        prefixes.setdefault(where, []).append(key if one.type == "S3Prefix" else "")
    if spec.model.s3 is not None:
        where, key = _place(spec.model.s3, spec.model.bucket, places)
    else:
        job = str(spec.model.run).partition(":")[0]
        where, key = places.artifact_arn, f"runs/*/{job}-"
    prefixes.setdefault(where, []).append(key)
    yield from read_prefixes(prefixes, located=(places.data_arn, places.artifact_arn))


def _write(spec: TransformSpec, places: Places) -> Iterator[policy.Statement]:
    prefixes: dict[str, list[str]] = {places.artifact_arn: [f"runs/*/{spec.name}/"]}
    named = [(spec.output.s3, spec.output.bucket)]
    if spec.capture is not None:
        named.append((spec.capture.s3, spec.capture.bucket))
    for place, bucket in named:
        if place is not None:
            where, key = _place(place, bucket, places)
            prefixes.setdefault(where, []).append(key if key.endswith("/") else f"{key}/")
    for where, keys in prefixes.items():
        yield policy.allow(WRITE, [f"{where}/{key}*" for key in keys])
        yield policy.allow(["s3:ListBucket"], [where], when={"StringLike": {"s3:prefix": [f"{key}*" for key in keys]}})
        if where not in (places.data_arn, places.artifact_arn):
            yield policy.allow(["s3:GetBucketLocation"], [where])
