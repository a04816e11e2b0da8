"""Pushing an image of containers/ to its repository, and whether the deployed jobs run that one."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from shardyard.spec import names
from shardyard.spec.catalogue.images import content_tag
from shardyard.spec.product import image_sources, product_root
from yard.account import deployed
from yard.aws import Aws
from yard.errors import UserError, writing
from yard.output import say


def push_image(aws: Aws, folder: str) -> dict[str, Any]:
    """Push a folder's image under the hash of its content, unless it is already there."""
    settings, root = aws.project.settings, aws.project.root
    if not (root / "containers" / folder / "Dockerfile").exists():
        known = sorted(path.parent.name for path in (root / "containers").glob("*/Dockerfile"))
        raise UserError(f"There is no containers/{folder}/Dockerfile; there are: {', '.join(known)}.")
    repository = names.repository_name(settings.project, settings.stage, folder)
    tag = content_tag(root, folder)
    is_there = has_tag(aws, repository, tag)
    if aws.endpoint is not None:
        _make_environment(aws, folder)
        if not is_there:
            _register(aws, repository, tag)
    elif not is_there:
        _docker(aws, folder, repository, tag)
    return {
        "repository": repository,
        "tag": tag,
        "pushed": not is_there,
        "deployed_otherwise": jobs_on_another_tag(aws, folder, tag),
    }


def new_image(root: Path, name: str, template: str) -> Path:
    """Copy an image's folder under another name, which its files then name."""
    folder, source = root / "containers" / name, root / "containers" / template
    if not (source / "Dockerfile").is_file():
        source = product_root() / "containers" / template
    if not (source / "Dockerfile").is_file():
        raise UserError(f"There is no containers/{template}/Dockerfile to copy.", "See what there is: ls containers")
    if folder.exists():
        raise UserError(f"{folder} is there already.", "Choose another name.")
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) is None:
        raise UserError(f"{name!r} is no name for an image.", "Use small letters, digits, hyphens and underscores.")
    with writing(folder):
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
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
    repository, tag = found.image
    here = content_tag(aws.project.root, folder)
    if not has_tag(aws, repository, tag):
        push = f"yard image push {folder}"
        raise UserError(
            f"The image {repository}:{tag}, with which {job} is deployed, is not in its repository.",
            f"Push it: {push}"
            if here == tag
            else f"containers/{folder} or training/ has changed since; deploy again, then push: "
            f"{aws.project.deploy} && {push}",
        )
    if here != tag:
        say(
            f"containers/{folder} or training/ has changed since the deployment; this launch runs the deployed image "
            f"{tag}. To run yours: {aws.project.deploy} && yard image push {folder}"
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


def _register(aws: Aws, repository: str, tag: str) -> None:
    """Put a manifest without layers: the embedded cloud runs the folder itself and only looks for the tag."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    config: dict[str, Any] = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 2,
        "digest": "sha256:" + hashlib.sha256(f"{repository}:{tag}".encode()).hexdigest(),
    }
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    aws.client("ecr").put_image(
        repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest), imageManifestMediaType=kind
    )


def build_context(root: Path, folder: str) -> Path:
    """What docker builds from: a checkout as it is; for a project of one's own a copy with contract/ and training/."""
    ours = image_sources(root)
    if ours == root:
        return root
    context = root / ".yard" / "image" / folder
    shutil.rmtree(context, ignore_errors=True)
    for above, part in ((root, f"containers/{folder}"), (ours, "contract"), (ours, "training")):
        shutil.copytree(above / part, context / part, ignore=shutil.ignore_patterns("__pycache__"))
    return context


def commands(aws: Aws, folder: str, repository: str, tag: str) -> list[str]:
    """The three commands that build and push an image by hand."""
    suffix = "amazonaws.com.cn" if aws.partition == "aws-cn" else "amazonaws.com"
    registry = f"{aws.account}.dkr.ecr.{aws.region}.{suffix}"
    uri = f"{registry}/{repository}:{tag}"
    return [
        f"aws ecr get-login-password --region {aws.region} | docker login --username AWS --password-stdin {registry}",
        f"docker build --platform linux/amd64 --file containers/{folder}/Dockerfile --tag {uri} .",
        f"docker push {uri}",
    ]


def _docker(aws: Aws, folder: str, repository: str, tag: str) -> None:
    login, *rest = commands(aws, folder, repository, tag)
    context = build_context(aws.project.root, folder)
    if shutil.which("docker") is None:
        raise UserError(
            "There is no docker command on this machine, so the image cannot be built here.",
            f"Run these where there is one, in {context}:\n  " + "\n  ".join([login, *rest]),
        )
    # A shell only for the log-in's pipe; no user input is in it.
    for command in (["bash", "-o", "pipefail", "-c", login], *(line.split() for line in rest)):
        done = subprocess.run(command, cwd=context, check=False)
        if done.returncode:
            raise UserError(f"`{' '.join(command)}` ended with exit code {done.returncode}.")
