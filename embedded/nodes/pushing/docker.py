"""`docker` for builds on a machine without a container engine: a stand-in that says so, and fails at what it cannot do.

`build` reads the Dockerfile and remembers what its image says of itself; `push` sends that to ECR. The embedded cloud
runs the folder of the image, and makes its packages from its requirements.txt when a node needs them.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes import image
from embedded.nodes.pushing import stand_in

_SAYS = (
    "docker: a stand-in of the embedded cloud, since this machine lends builds no container engine: it reads the "
    "Dockerfile, runs none of its commands, and pushes what the image says of itself"
)
_URI = re.compile(r"[a-z0-9.-]+(?::\d+)?/(?P<repository>[a-z0-9._/-]+):(?P<tag>[\w.-]+)")


def main(words: list[str]) -> int:
    """Do as docker would, and return its exit code."""
    if os.environ.get("YARD_PRIVILEGED", "1") != "1":
        print("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
        return 1
    if words[:1] == ["buildx"]:
        words = words[1:]
    verb, rest = (words[0], words[1:]) if words else ("", [])
    if verb == "login":
        print("Login Succeeded" if sys.stdin.read().strip() else "Error: Password Required")
        return 0
    try:
        if verb == "build":
            return _build(rest)
        if verb == "push" and rest:
            return _push(rest[-1])
    except (image.ImageError, OSError, ValueError, ClientError, BotoCoreError) as error:
        print(f"docker: {error}")
        return 1
    print(f"{_SAYS}; it knows login, build and push, not {' '.join(words)!r}")
    return 1


def _build(words: list[str]) -> int:
    print(_SAYS)
    parser = argparse.ArgumentParser(prog="docker build", allow_abbrev=False)
    parser.add_argument("--file", "-f", type=Path)
    parser.add_argument("--tag", "-t", action="append", default=[])
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--build-arg", action="append", default=[])
    for option in ("--cache-from", "--cache-to", "--secret", "--progress", "--provenance"):
        parser.add_argument(option, action="append")
    for switch in ("--push", "--load", "--pull", "--no-cache"):
        parser.add_argument(switch, action="store_true")
    parser.add_argument("context", type=Path)
    given = parser.parse_args(words)
    dockerfile = given.context / "Dockerfile" if given.file is None else given.file
    arguments = dict(one.partition("=")[::2] for one in given.build_arg)
    found = image.read(dockerfile, given.context, arguments, sources=given.context)
    missing = [str(source) for source, _ in found.copies if not source.exists()]
    if missing:
        raise ValueError(f"COPY failed: there is no {', '.join(missing)} in the build's context")
    config = stand_in.config_of(found, architecture=given.platform.rpartition("/")[2])
    for tag in given.tag:
        path = _remembered(tag)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(config))
        print(f"Successfully tagged {tag}")
        if given.push:
            _push(tag)
    return 0


def _remembered(tag: str) -> Path:
    return Path(os.environ.get("TMPDIR", "/tmp"), "images", f"{tag.encode().hex()[-200:]}.json")


def _push(tag: str) -> int:
    match = _URI.fullmatch(tag)
    path = _remembered(tag)
    if match is None or not path.is_file():
        print(f"An image does not exist locally with the tag: {tag}")
        return 1
    digest = stand_in.push_config(boto3.client("ecr"), json.loads(path.read_text()), match["repository"], match["tag"])
    print(f"{match['tag']}: digest: {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
