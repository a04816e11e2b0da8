"""Which services get an interface endpoint in the VPC, and why."""

from collections.abc import Mapping

from shardyard.spec.settings.settings import Settings

ENDPOINTS: Mapping[str, str] = {
    "ecr.api": "images of a private registry that is reached through the VPC",
    "ecr.dkr": "images of a private registry that is reached through the VPC",
    "git-codecommit": "CodeCommit repositories in a notebook",
    "kms": "code that encrypts by itself; S3 needs no endpoint for its own encryption",
    "logs": "code that writes or reads logs itself; SageMaker delivers a container's output without it",
    "monitoring": "code that publishes metrics itself",
    "sagemaker.api": "notebooks: auto-stop and launching jobs; training code that calls SageMaker",
    "sagemaker.experiments": "jobs that report to managed MLflow",
    "sagemaker.runtime": "code that calls an endpoint",
    "secretsmanager": "jobs with [secrets]; notebooks of a private repository",
    "ssm": "jobs with remote debugging",
    "ssmmessages": "jobs with remote debugging",
    "states": "notebooks: launching jobs through their state machines",
    "sts": "notebooks and code that looks up its own identity",
}
"""What each endpoint is for, by EC2's short name of the service."""

NOTEBOOK_ENDPOINTS = ("logs", "sagemaker.api", "states", "sts")
"""Without sagemaker.api a notebook cannot stop itself; the others launch jobs and show their logs."""


def reachable_services(settings: Settings) -> tuple[str, ...] | None:
    """The services that a job in the VPC reaches; None where the VPC is not ours, or there is none."""
    return needed_endpoints(settings) if settings.network.kind == "new" else None


def needed_endpoints(settings: Settings) -> tuple[str, ...]:
    """The interface endpoints of the new VPC, sorted: those configured and those that notebooks need."""
    services: set[str] = set(settings.network.interface_endpoints)
    if settings.notebooks.enabled and settings.network.kind == "new":
        services.update(NOTEBOOK_ENDPOINTS)
        if settings.notebooks.git_access == "codecommit":
            services.add("git-codecommit")
        if settings.notebooks.git_private:
            services.add("secretsmanager")
    return tuple(sorted(services))
