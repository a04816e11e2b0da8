"""The registry stack: an image repository for each folder in containers/."""

from collections.abc import Sequence

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.ecr import Registry
from shardyard.foundation.storage import Storage
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack


class RegistryStack(ProjectStack):
    """Where images are kept."""

    def __init__(self, scope: Construct, *, settings: Settings, storage: Storage, folders: Sequence[str]) -> None:
        super().__init__(scope, "registry", settings=settings, description="Image repositories")
        self.registry = Registry(
            self,
            "Registry",
            project=self.project,
            folders=folders,
            key=storage.key,
            images_kept=settings.retention.images,
        )
        for folder, repository in self.registry.repositories.items():
            name = "".join(word.capitalize() for word in folder.replace("_", "-").split("-"))
            add_output(self, f"{name}RepositoryUri", repository.attr_repository_uri, f"Images of containers/{folder}")
