"""The registry stack: an image repository for each folder in containers/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.ecr import Registry
from shardyard.foundation.storage import Storage
from shardyard.spec.catalogue.variants import platform, read_bases
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.hardware import hardware_of
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.settings.settings import Settings
from shardyard.spec.tuning.images import needed_variants

from .base import ProjectStack

if TYPE_CHECKING:
    from shardyard.images.training_image import TrainingImage


class RegistryStack(ProjectStack):
    """Where images are kept."""

    images: Mapping[str, "TrainingImage"]
    """What a deploy builds, by folder."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        folders: Sequence[str],
        root: Path,
        jobs: Sequence[LaunchedSpec] = (),
        endpoints: Sequence[EndpointSpec] = (),
    ) -> None:
        """`root` holds containers/; `jobs` and `endpoints` say which images are needed, where a deploy builds them."""
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
        needed = needed_folders(jobs, root, endpoints) if settings.images.build == "cloud" else {}
        self.images = self._images(needed, settings=settings, storage=storage, root=root) if needed else {}

    def _images(
        self, needed: Mapping[str, Sequence[str]], *, settings: Settings, storage: Storage, root: Path
    ) -> dict[str, "TrainingImage"]:
        """Imported here: most projects build with their own docker, and each synth would wait for CDK's modules."""
        from shardyard.images.image_builder import ImageBuilder
        from shardyard.images.training_image import TrainingImage

        repositories = self.registry.repositories
        builder = ImageBuilder(
            self,
            "Builder",
            project=self.project,
            repositories=[repositories[folder].attr_arn for folder in needed],
            key=storage.key,
            platforms=sorted({platform(name) for names in needed.values() for name in names or ("cpu",)}),
            minutes=settings.images.minutes,
        )
        return {
            folder: TrainingImage(
                self,
                f"Image-{folder}",
                builder=builder,
                repository=repositories[folder],
                folder=folder,
                root=root,
                variants=variants,
            )
            for folder, variants in needed.items()
        }


def needed_folders(
    jobs: Sequence[LaunchedSpec], root: Path, endpoints: Sequence[EndpointSpec] = ()
) -> dict[str, list[str]]:
    """The folders that jobs and endpoints run, each with the variants that their instances need.

    A folder of one image has none.
    """
    found: dict[str, set[str]] = {}
    for spec in jobs:
        folder = spec.image.folder
        if folder is not None:
            there = read_bases(root / "containers" / folder)
            found.setdefault(folder, set()).update(needed_variants(spec, there))
    for endpoint in endpoints:
        folder = endpoint.image.folder
        if folder is not None:
            chosen = hardware_of(endpoint, read_bases(root / "containers" / folder))
            found.setdefault(folder, set()).update(chosen.values())
    return {folder: sorted(names) for folder, names in sorted(found.items())}
