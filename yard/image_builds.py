"""Building an image with docker, and pushing it to the account's registry."""

import base64
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shardyard.spec.catalogue.image_commands import ImageBuild, label_arguments
from shardyard.spec.product import IMAGE_ROOMS, image_sources
from yard.aws import Aws
from yard.errors import UserError

_BUILDKIT = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
"""An attestation beside the image makes a list of both, and what SageMaker pulls must be an image."""

_STDERR = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """Files that a build may read, and that stay out of the image."""

    ca: Path | None = None
    """The certificates of a proxy that signs anew."""
    pip_conf: Path | None = None
    """pip's configuration, for an index of one's own."""

    @property
    def words(self) -> list[str]:
        """docker's words for them."""
        given = {"ca": self.ca, "pip": self.pip_conf}
        for path in given.values():
            if path is not None and not path.is_file():
                raise UserError(f"There is no file {path}.", "Correct the path that you gave.")
        return [
            word
            for name, path in given.items()
            if path is not None
            for word in ("--secret", f"id={name},src={path.resolve()}")
        ]


NO_SECRETS = Secrets()


def registry(aws: Aws) -> str:
    """The host of the account's registry."""
    suffix = "amazonaws.com.cn" if aws.partition == "aws-cn" else "amazonaws.com"
    return f"{aws.account}.dkr.ecr.{aws.region}.{suffix}"


def build_context(root: Path, folder: str) -> Path:
    """What docker builds from: a checkout as it is; for a project of one's own a copy with our packages."""
    ours = image_sources(root)
    if ours == root:
        return root
    context = root / ".yard" / "image" / folder
    shutil.rmtree(context, ignore_errors=True)
    for above, part in ((root, f"containers/{folder}"), *((ours, room) for room in IMAGE_ROOMS)):
        shutil.copytree(above / part, context / part, ignore=shutil.ignore_patterns("__pycache__"))
    return context


def docker(aws: Aws, builds: Sequence[ImageBuild], *, content: str, secrets: Secrets) -> None:
    """Build and push some images of one folder."""
    folder = str(builds[0].folder)
    context = build_context(aws.project.root, folder)
    if shutil.which("docker") is None:
        lines = dict.fromkeys(line for build in builds for line in build.shown)
        raise UserError(
            "There is no docker command on this machine, so the image cannot be built here.",
            f"Run these where there is one, in {context}:\n  " + "\n  ".join(lines),
        )
    # A shell only for the log-in's pipe; no user input is in it.
    for line in dict.fromkeys(line for build in builds for line in build.log_ins):
        _run(["bash", "-o", "pipefail", "-c", line], context)
    more = [*label_arguments(content=content, source=_source(aws.project.root)), *secrets.words]
    for build in builds:
        _run([*build.build, *more, "."], context)
        _run(build.push, context)


def docker_here(aws: Aws, builds: Sequence[ImageBuild], *, content: str, secrets: Secrets) -> None:
    """Build some images of one folder and push them into the embedded cloud's registry, on its own address."""
    folder = str(builds[0].folder)
    context = build_context(aws.project.root, folder)
    if shutil.which("docker") is None:
        raise UserError(
            "There is no docker command on this machine, so the image cannot be built here.",
            "Install it, or start the cloud without containers: yard cloud down, then yard cloud up",
        )
    (given,) = aws.client("ecr").get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
    host = given["proxyEndpoint"].removeprefix("http://")
    _run(["docker", "login", "--username", user, "--password-stdin", host], context, typed=password)
    more = [*label_arguments(content=content, source=_source(aws.project.root)), *secrets.words]
    for build in builds:
        name = f"{host}/{build.uri.partition('/')[2]}"
        _run([*build.build, "--tag", name, *more, "."], context)
        _run(["docker", "push", name], context)


def _run(command: list[str], folder: Path, *, typed: str = "") -> None:
    environment = {**os.environ, **_BUILDKIT}
    # What docker says goes beside the command's own output, which --json makes a document of
    done = subprocess.run(
        command, cwd=folder, env=environment, input=typed or None, stdout=_STDERR, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"`{shlex.join(command)}` ended with exit code {done.returncode}.")


def _source(root: Path) -> dict[str, str]:
    """The repository and the commit, where the project is in one; a password in the address is left out."""
    address = _git(root, "config", "--get", "remote.origin.url")
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return {"SOURCE": address, "REVISION": _git(root, "rev-parse", "HEAD")}


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
