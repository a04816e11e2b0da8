"""Which stacks the app has, and what each is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk

from shardyard.foundation.ecr import Registry
from shardyard.foundation.identity import Identity
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.spec.endpoint_folder import load_endpoints
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.product import product_root
from shardyard.spec.settings.endpoints import reachable_services
from shardyard.spec.settings.settings import Settings

from .identity import IdentityStack
from .network import NetworkStack
from .observability import ObservabilityStack
from .quotas import QuotasStack, merge, needed_by
from .registry import RegistryStack
from .serving import ServingGround, serving_stacks
from .storage import StorageStack
from .training import Ground, training_stacks

if TYPE_CHECKING:  # notebooks need CDK's module of SageMaker, and every synth would wait for it
    from shardyard.images.training_image import TrainingImage
    from shardyard.workspaces.notebooks import GitSecret

ROOT = product_root()


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """What every other stack stands on."""

    storage: Storage
    """The key and the buckets."""
    placement: Placement | None
    """Where jobs run; None outside a VPC."""
    registry: Registry
    """The image repositories, by folder."""
    images: "Mapping[str, TrainingImage]"
    """What a deploy builds, by folder."""
    identity: Identity
    """The roles."""
    git_secret: "GitSecret | None"
    """The credentials of the notebooks' private repository, where there is one."""


def build_app(app: cdk.App, settings: Settings, *, root: Path = ROOT) -> None:
    """Build every stack of the project; `root` holds `containers/` and `jobs/`."""
    # First, so that a mistake in a job's file is said before anything is written.
    folder, has_network = root / settings.training.jobs, settings.network.kind != "none"
    jobs = load_jobs(
        folder,
        settings.stage,
        has_network=has_network,
        root=root,
        project_tags=settings.all_tags,
        subnet_addresses=settings.network.largest_subnet_addresses,
        reachable_services=reachable_services(settings),
        may_be_empty=settings.training.no_jobs,
    )
    jobs = tuple(spec.as_deployed() for spec in jobs)
    endpoints = load_endpoints(root / settings.serving.endpoints, settings.stage, root=root)
    foundation = build_foundation(app, settings, root=root, file_systems=_mounted(jobs), jobs=jobs, endpoints=endpoints)
    storage, identity, placement = foundation.storage, foundation.identity, foundation.placement
    observability = ObservabilityStack(app, settings=settings, storage=storage, jobs=jobs, endpoints=endpoints)
    ground = Ground(
        settings=settings,
        storage=storage,
        placement=placement,
        alerts=observability.alerts.resource,
        dashboard_name=observability.dashboard.name,
        root=root,
        images=foundation.images,
    )
    training_stacks(app, ground=ground, jobs=jobs)
    serving = ServingGround(
        settings=settings,
        storage=storage,
        placement=placement,
        alerts=observability.alerts.resource,
        root=root,
        images=foundation.images,
    )
    serving_stacks(app, ground=serving, endpoints=endpoints)
    if settings.notebooks.enabled:
        from .notebooks import NotebooksStack

        NotebooksStack(
            app,
            settings=settings,
            storage=storage,
            identity=identity,
            git_secret=foundation.git_secret,
            placement=placement,
        )
    quotas = merge(settings.quotas.requests, needed_by(jobs) if settings.quotas.from_jobs else ())
    if quotas:
        QuotasStack(app, settings=settings, storage=storage, needed=quotas)
    for key, value in settings.all_tags.items():
        cdk.Tags.of(app).add(key, value)


def build_foundation(
    app: cdk.App,
    settings: Settings,
    *,
    root: Path = ROOT,
    file_systems: Sequence[str] = (),
    jobs: Sequence[LaunchedSpec] = (),
    endpoints: Sequence[EndpointSpec] = (),
) -> Foundation:
    """Build storage, network, registry and identity; `file_systems` are the kinds that channels of jobs mount.

    `jobs` and `endpoints` say which images are needed, where a deploy builds them.
    """
    storage = StorageStack(app, settings=settings).storage
    placement = _placement(app, settings, storage, file_systems)
    images = RegistryStack(
        app,
        settings=settings,
        storage=storage,
        folders=image_folders(root),
        root=root,
        jobs=jobs,
        endpoints=endpoints,
    )
    registry = images.registry
    people = IdentityStack(app, settings=settings, storage=storage, registry=registry, placement=placement)
    return Foundation(
        storage=storage,
        placement=placement,
        registry=registry,
        images=images.images,
        identity=people.identity,
        git_secret=people.git_secret,
    )


def image_folders(root: Path) -> list[str]:
    """The folders in containers/ that hold a Dockerfile."""
    return sorted(path.parent.name for path in (root / "containers").glob("*/Dockerfile"))


def _mounted(jobs: Sequence[LaunchedSpec]) -> list[str]:
    """The kinds of file systems that the jobs' channels mount."""
    training = [spec for spec in jobs if isinstance(spec, JobSpec)]
    systems = [channel.file_system for spec in training for channel in spec.channels.values()]
    return sorted({system.type for system in systems if system is not None})


def _placement(app: cdk.App, settings: Settings, storage: Storage, file_systems: Sequence[str]) -> Placement | None:
    network = settings.network
    if network.kind == "none":
        return None
    if network.security_group_ids:
        return Placement(
            vpc_id=network.vpc_id, subnet_ids=network.subnet_ids, security_group_ids=network.security_group_ids
        )
    return NetworkStack(app, settings=settings, storage=storage, file_systems=file_systems).placement
