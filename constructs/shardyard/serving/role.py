"""What an endpoint's role may do: its own model, image, captured data and answers, and nothing else."""

from collections.abc import Iterator

from shardyard.core import policy
from shardyard.core.arns import bucket_arn
from shardyard.core.project import Project
from shardyard.foundation.permissions import PULL, Access
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import Places, StorageBase
from shardyard.jobs.job_permissions import own_keys, read_prefixes
from shardyard.serving.image import EndpointImage
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.requests.endpoints import answer_place, capture_place, model_place

LOG_GROUP = "/aws/sagemaker/Endpoints"
_PUT = ("s3:AbortMultipartUpload", "s3:PutObject")


def endpoint_statements(
    spec: EndpointSpec,
    *,
    project: Project,
    storage: StorageBase,
    image: EndpointImage,
    network: Placement | None,
    endpoint_name: str,
) -> list[policy.Statement]:
    """What SageMaker does in the endpoint's name, and what its containers may do."""
    places = storage.places
    placement = network if spec.in_network else None
    access = Access(project=project, storage=storage, registry=None, placement=placement)
    return [
        *_read_models(spec, places),
        *_write_results(spec, places),
        *_tell_topics(spec),
        *access.use_key(),
        *own_keys(spec.encryption.volume_key, spec.encryption.results_key),
        access.locate_buckets(),
        access.write_logs(f"{LOG_GROUP}/{endpoint_name}"),
        access.publish_metrics(),
        policy.allow(["ecr:GetAuthorizationToken"], ["*"]),  # it is for the whole registry, by its nature
        policy.allow(PULL, [image.repository_arn]),
        *access.join_network(),
    ]


def _read_models(spec: EndpointSpec, places: Places) -> Iterator[policy.Statement]:
    prefixes: dict[str, list[str]] = {}
    for place in dict.fromkeys(model_place(spec, name) for name in spec.variants):
        where, prefix = _located(place, places)
        prefixes.setdefault(where, []).append(prefix)
    yield from read_prefixes(prefixes, located=(places.data_arn, places.artifact_arn))


def _write_results(spec: EndpointSpec, places: Places) -> Iterator[policy.Statement]:
    found = [] if spec.capture is None else [capture_place(spec)]
    if spec.kind == "asynchronous":
        found.append(answer_place(spec))
    for place in found:
        where, key = _located(place, places)
        # Requests of an asynchronous endpoint are read from where its answers go
        reads = ("s3:GetObject",) if spec.kind == "asynchronous" else ()
        yield policy.allow([*_PUT, *reads], [f"{where}/{key}*"])
        yield policy.allow(["s3:ListBucket"], [where], when={"StringLike": {"s3:prefix": [f"{key}*"]}})
        if where not in (places.data_arn, places.artifact_arn):
            yield policy.allow(["s3:GetBucketLocation"], [where])


def _located(place: str, places: Places) -> tuple[str, str]:
    """The bucket's ARN, and the key: one alone lies in the artifact bucket."""
    if not place.startswith("s3://"):
        return places.artifact_arn, place
    bucket, _, key = place.removeprefix("s3://").partition("/")
    return bucket_arn(bucket), key


def _tell_topics(spec: EndpointSpec) -> Iterator[policy.Statement]:
    queue = spec.asynchronous
    topics = () if queue is None else (queue.success_topic, queue.error_topic)
    told = sorted({topic for topic in topics if topic is not None})
    if told:
        yield policy.allow(["sns:Publish"], told)
