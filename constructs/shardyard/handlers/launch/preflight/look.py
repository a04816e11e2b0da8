"""Everything that preflight looks up over the network, at the same time."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight import quotas
from shardyard.handlers.launch.preflight.file_systems import file_system_problems
from shardyard.handlers.launch.preflight.groups import group_allows_itself
from shardyard.handlers.launch.preflight.images import Images, look_at_images
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.handlers.launch.preflight.models import Archive, find_archive
from shardyard.handlers.launch.preflight.objects import Listing, read_channels
from shardyard.handlers.launch.preflight.previous import Previous, read_previous
from shardyard.handlers.launch.preflight.pricing import read_prices
from shardyard.handlers.launch.preflight.secrets import secret_problems
from shardyard.handlers.launch.preflight.usage import Usage, read_usage
from shardyard.spec import names
from shardyard.spec.catalogue.cost import attempts
from shardyard.spec.catalogue.prices import Price
from shardyard.spec.catalogue.quotas import needed
from shardyard.spec.errors import Problem

_QUESTIONS = 11
"""One thread per question of `look`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The answers."""

    listings: Sequence[Listing]
    """The content of each channel."""
    channel_problems: Sequence[Problem]
    images: Images
    """Those of all attempts."""
    source_problem: Problem | None
    secret_problems: Sequence[Problem]
    usage: Usage
    quota_values: Mapping[str, float | None]
    """The applied quotas by name; None for one that could not be read."""
    prices: Mapping[str, Price]
    previous: Previous
    group_allows_itself: bool | None
    file_system_problems: Sequence[Problem]
    archive: Archive
    """The model that a transform job uses."""


def look(launch: Launch, clients: aws.Clients, now: datetime) -> Seen:
    """Look everything up at once."""
    spec, deployment = launch.spec, launch.deployment
    clusters = [(one, cluster) for one in attempts(spec) for cluster in one.compute.alternatives]
    types = {kind for _, cluster in clusters for kind, _ in cluster}
    wanted = {name for one, cluster in clusters for name in needed(one, cluster)}
    with ThreadPoolExecutor(max_workers=_QUESTIONS) as pool:
        channels = pool.submit(read_channels, spec, deployment, clients)
        image = pool.submit(look_at_images, launch, clients)
        source = pool.submit(_source, launch, clients)
        secrets = pool.submit(secret_problems, spec.secrets, launch.region, clients)
        usage = pool.submit(read_usage, clients, launch.of)
        values = pool.submit(_quota_values, launch, wanted, clients)
        prices = pool.submit(read_prices, types, launch.region, now.date(), clients, launch.of)
        previous = pool.submit(read_previous, launch, clients)
        allows = pool.submit(group_allows_itself, deployment.security_group_ids, types, clients)
        archive = pool.submit(find_archive, launch, clients)
        systems = pool.submit(file_system_problems, spec, deployment.security_group_ids, clients)
    listings, channel_problems = channels.result()
    return Seen(
        listings=listings,
        channel_problems=channel_problems,
        images=image.result(),
        source_problem=source.result(),
        secret_problems=secrets.result(),
        usage=usage.result(),
        quota_values=values.result(),
        prices=prices.result(),
        previous=previous.result(),
        group_allows_itself=allows.result(),
        file_system_problems=systems.result(),
        archive=archive.result(),
    )


def _source(launch: Launch, clients: aws.Clients) -> Problem | None:
    """Check that the named code bundle was uploaded."""
    source = launch.spec.source
    if source is None or source.sha256 is None:
        return None
    bucket, key = launch.deployment.artifact_bucket, names.source_key(source.sha256)
    try:
        clients("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.error_code(error) not in ("404", "NoSuchKey", "NotFound", "403"):
            raise
        return Problem(
            "source_sha256", f"there is no s3://{bucket}/{key}; upload the code with: yard {launch.of.command}"
        )
    return None


def _quota_values(launch: Launch, wanted: set[str], clients: aws.Clients) -> Mapping[str, float | None]:
    codes = quotas.read_codes(launch.deployment.artifact_bucket, clients)
    return quotas.read_values(wanted, codes, clients)
