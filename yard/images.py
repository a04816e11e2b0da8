"""Pushing an image of containers/ to its repository, and whether the deployed jobs run that one."""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from embedded.nodes.pushing import stand_in
from shardyard.spec import names
from shardyard.spec.catalogue.image_commands import ImageBuild
from shardyard.spec.catalogue.images import WHEELS, content_tag
from shardyard.spec.catalogue.variants import FILE, choose, read_variants
from shardyard.spec.product import product_root
from shardyard.spec.tuning.images import launched_on, needed_variants
from shardyard.spec.tuning.trials import searched
from yard import embedded, image_builds
from yard.account import deployed
from yard.aws import Aws
from yard.errors import UserError, writing
from yard.image_builds import NO_SECRETS, Secrets
from yard.output import say

_TEMPLATE = "pytorch"
"""What a new image is copied from unless one of its name ships."""


def push_image(aws: Aws, folder: str, *, variants: Sequence[str] = (), secrets: Secrets = NO_SECRETS) -> dict[str, Any]:
    """Push a folder's images under the hash of its content, as far as they are not there already."""
    settings, root = aws.project.settings, aws.project.root
    if not (root / "containers" / folder / "Dockerfile").exists():
        known = sorted(path.parent.name for path in (root / "containers").glob("*/Dockerfile"))
        raise UserError(f"There is no containers/{folder}/Dockerfile; there are: {', '.join(known)}.")
    repository = names.repository_name(settings.project, settings.stage, folder)
    content = content_tag(root, folder)
    has_containers = embedded.has_containers(aws.endpoint)
    is_named = aws.endpoint is not None and not has_containers
    if is_named:
        _make_environment(aws, folder)
    builds = _builds(aws, folder, f"{repository}:{content}", variants, all_of_them=is_named)
    missing = [build for build in builds if not has_tag(aws, repository, build.uri.rpartition(":")[2])]
    if has_containers:
        there = [build for build in builds if build not in missing]
        missing += [build for build in there if _forget_without_layers(aws, repository, build)]
        if missing:
            image_builds.docker_here(aws, missing, content=content, secrets=secrets)
    elif is_named:
        for build in missing:
            stand_in.push(aws.client("ecr"), build, root=root, content=content)
    elif missing:
        image_builds.docker(aws, missing, content=content, secrets=secrets)
    return {
        "repository": repository,
        "tag": content,
        "pushed": bool(missing),
        "images": [{"uri": build.uri, "variant": build.name, "pushed": build in missing} for build in builds],
        "deployed_otherwise": jobs_on_another_tag(aws, folder, content),
    }


def _forget_without_layers(aws: Aws, repository: str, build: ImageBuild) -> bool:
    """Remove an image that a cloud of cells has registered by its name alone; its tag may not be movable."""
    wanted = [{"imageTag": build.uri.rpartition(":")[2]}]
    (found,) = aws.client("ecr").batch_get_image(repositoryName=repository, imageIds=wanted)["images"]
    if json.loads(found["imageManifest"]).get("layers") != []:
        return False
    aws.client("ecr").batch_delete_image(repositoryName=repository, imageIds=wanted)
    return True


def _builds(aws: Aws, folder: str, name: str, asked: Sequence[str], *, all_of_them: bool) -> list[ImageBuild]:
    """The folder's images: those asked for, or those that its jobs need."""
    there = read_variants(aws.project.root / "containers" / folder)
    unknown = sorted(set(asked) - set(there))
    if unknown:
        known = ", ".join(there) if there else f"none, since it has no {FILE}"
        raise UserError(f"containers/{folder} has no variant {', '.join(unknown)}; there are: {known}.")
    uri = f"{image_builds.registry(aws)}/{name}"
    if not there:
        return [ImageBuild(uri=uri, region=aws.region, folder=folder)]
    # In cells a variant is no more than its name, and any job may be tried on any machine
    wanted = set(asked) or (set(there) if all_of_them else _needed_by_jobs(aws, folder, there))
    return [
        ImageBuild(uri=f"{uri}-{one}", region=aws.region, folder=folder, name=one, variant=variant)
        for one, variant in there.items()
        if one in wanted
    ]


def _needed_by_jobs(aws: Aws, folder: str, there: Iterable[str]) -> set[str]:
    """What the jobs of an image need on the machines that they are deployed with, or will be, in searches too."""
    there, found = list(there), set[str]()
    for job in aws.project.jobs():
        if job.image.folder != folder:
            continue
        try:
            spec = deployed.read(aws, job.name, search=searched(job) is not None).spec
        except UserError:
            spec = job
        found |= needed_variants(spec, there)
    return found or set(there[:1])


def new_image(root: Path, name: str, template: str | None = None) -> Path:
    """Copy an image's folder under another name, which its files then name.

    By default one that ships is copied into the project under its own name, and PyTorch's under any other.
    """
    if template is None:
        template = name if (product_root() / "containers" / name / "Dockerfile").is_file() else _TEMPLATE
    folder, source = root / "containers" / name, root / "containers" / template
    if not (source / "Dockerfile").is_file():
        source = product_root() / "containers" / template
    if not (source / "Dockerfile").is_file():
        raise UserError(f"There is no containers/{source.name}/Dockerfile to copy.", "See what there is: ls containers")
    if folder.exists():
        raise UserError(f"{folder} is there already.", "Choose another name.")
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) is None:
        raise UserError(f"{name!r} is no name for an image.", "Use small letters, digits, hyphens and underscores.")
    with writing(folder):
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", WHEELS))
        for path in (path for path in folder.rglob("Dockerfile*") if path.is_file()):
            path.write_text(path.read_text().replace(f"containers/{template}", f"containers/{name}"))
    return folder


def jobs_on_another_tag(aws: Aws, folder: str, tag: str) -> dict[str, str]:
    """The deployed jobs of this image that run another tag: each state machine names the tag it was deployed with."""
    found = {}
    for job in aws.project.jobs():
        if job.image.folder != folder:
            continue
        try:
            image = deployed.read(aws, job.name).image
        except UserError:  # a job that is not deployed yet gets this tag on deployment
            continue
        if image is not None and image[1] != tag:
            found[job.name] = image[1]
    return found


def check_before_launch(aws: Aws, job: str, found: deployed.Deployed) -> None:
    """Refuse a missing image now rather than in preflight; warn if the folder has changed since the deployment."""
    folder = found.spec.image.folder
    if found.image is None or folder is None:
        return
    repository, content = found.image
    bases = found.deployment.image_bases
    chosen = dict.fromkeys(choose(one, bases) for one in launched_on(found.spec))
    # For machines that no variant fits, preflight says which there are
    tags = [f"{content}-{one}" for one in chosen if one is not None] if bases else [content]
    here = content_tag(aws.project.root, folder)
    for tag in (tag for tag in tags if not has_tag(aws, repository, tag)):
        push = f"yard image push {folder}"
        raise UserError(
            f"The image {repository}:{tag}, with which {job} is deployed, is not in its repository.",
            f"Push it: {push}"
            if here == content
            else f"containers/{folder} or training/ has changed since; deploy again, then push: "
            f"{aws.project.deploy} && {push}",
        )
    if here != content:
        say(
            f"containers/{folder} or training/ has changed since the deployment; this launch runs the deployed image "
            f"{content}. To run yours: {aws.project.deploy} && yard image push {folder}"
        )


def has_tag(aws: Aws, repository: str, tag: str) -> bool:
    """Whether a repository holds a tag."""
    from botocore.exceptions import ClientError

    try:
        aws.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ImageNotFoundException":
            return False
        if code == "RepositoryNotFoundException":
            raise UserError(f"There is no repository {repository} yet.", f"Deploy it: {aws.project.deploy}") from None
        raise
    return True


def _make_environment(aws: Aws, folder: str) -> None:
    from embedded.nodes import image_environment

    requirements = aws.project.root / "containers" / folder / "requirements.txt"
    if not image_environment.is_ready(requirements):
        say(f"Making the environment of {requirements.relative_to(aws.project.root)}; this takes a minute once.")
    image_environment.ensure(requirements)
