"""Everything that a setting can switch on, each alone; the list is held against the spec."""

from collections.abc import Mapping
from typing import Any, get_args

from shardyard.spec.settings.network import EndpointService
from shardyard.spec.settings.settings import Settings
from tests.support.spec.choices import choices_of, covered_by

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
EXISTING = {"network.kind": "existing", "network.vpc_id": "vpc-0123456789abcdef0", "network.subnet_ids": SUBNETS}
REPOSITORY = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/labs"

SETTING_FEATURES: dict[str, dict[str, Any]] = {
    "nothing": {"project": "vision", "stage": "dev", "owner": "team", "tags": {"cost-center": "ml-42"}},
    "prod": {"stage": "prod"},
    "staging": {"stage": "staging", "training.no_jobs": True},
    "a new network": {
        "network.kind": "new",
        "network.cidr": "10.0.0.0/16",
        "network.zones": 3,
        "network.interface_endpoints": list(get_args(EndpointService)),
    },
    "zones by name": {"network.zone_names": ["us-east-1a", "us-east-1b"]},
    "an existing network": {**EXISTING, "network.subnet_cidrs": ["10.0.0.0/24", "10.0.1.0/24"]},
    "an existing group": {**EXISTING, "network.security_group_ids": ["sg-0123456789abcdef0"]},
    "no network": {"network.kind": "none"},
    "a boundary": {"identity.permissions_boundary": "arn:aws:iam::123456789012:policy/boundary"},
    "retention": {
        "retention.checkpoint_days": 3,
        "retention.old_version_days": 3,
        "retention.unfinished_upload_days": 3,
        "retention.access_log_days": 3,
        "retention.log_days": 3,
        "retention.images": 3,
    },
    "training": {"training.jobs": "jobs", "training.cap_usd": 10},
    "endpoints": {"serving.endpoints": "endpoints"},
    "a sweeper that stops": {
        "sweeper.enabled": True,
        "sweeper.stops": "always",
        "sweeper.every_hours": 1,
        "sweeper.notebook_hours": 1,
        "sweeper.endpoint_idle_hours": 1,
        "sweeper.job_hours": 1,
        "sweeper.stops_jobs": True,
        "sweeper.warm_pool_minutes": 1,
        "sweeper.ends_warm_pools": True,
    },
    "a sweeper that stops by stage": {"sweeper.stops": "by-stage"},
    "a sweeper that tells": {"sweeper.stops": "never"},
    "notebooks": {
        "notebooks.enabled": True,
        "notebooks.names": ["main", "second"],
        "notebooks.instance_type": "ml.t3.large",
        "notebooks.volume": "30GB",
        "notebooks.git_access": "none",
        "notebooks.auto_stop": True,
        "notebooks.idle_minutes": 30,
    },
    "notebooks of CodeCommit": {
        "notebooks.enabled": True,
        "notebooks.git_url": REPOSITORY,
        "notebooks.git_branch": "main",
        "notebooks.git_access": "codecommit",
        "notebooks.additional_repositories": [f"{REPOSITORY}-2"],
        "network.interface_endpoints": ["git-codecommit", "sagemaker.api", "logs"],
    },
    "private notebooks": {
        "notebooks.enabled": True,
        "notebooks.git_url": "https://github.com/team/project.git",
        "notebooks.git_private": True,
        "notebooks.git_secret_name": "team/git",
        "notebooks.git_access": "own-route",
        **EXISTING,
    },
    "notebooks with a way out": {
        "notebooks.enabled": True,
        "notebooks.git_url": "https://github.com/team/project.git",
        "notebooks.git_access": "direct",
    },
    "quotas": {
        "quotas.requests": [{"name": "ml.g5.xlarge for training job usage", "at_least": 2, "service": "sagemaker"}],
        "quotas.from_jobs": True,
        "quotas.fail_when_pending": True,
    },
    "people by tag": {"identity.launch_tag": "team"},
    "images built here": {"images.build": "local"},
    "images built in the cloud": {"images.build": "cloud", "images.minutes": 30},
    "caps of owners": {"budget.per_owner": {"vision": 100, "*": 50}},
    "a budget": {"budget.monthly_usd": 250, "budget.tag_filter": "project=vision"},
    "alerts": {
        "alerts.email": "team@example.com",
        "alerts.low_gpu_percent": 5,
        "alerts.low_gpu_minutes": 10,
        "alerts.silent_minutes": 10,
    },
}
"""Each as a context."""


def setting_choices() -> set[str]:
    """Every field of the settings, and every value of one that is a choice."""
    return set(choices_of(Settings))


def covered_by_settings() -> set[str]:
    """What the table's contexts set."""
    return {one for context in SETTING_FEATURES.values() for one in covered_by(Settings, _as_tree(context))}


def _as_tree(context: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in context.items():
        table, _, key = path.rpartition(".")
        (tree.setdefault(table, {}) if table else tree)[key] = value
    return tree
