"""The AWS command as tests find it: every one that is on the PATH, newest first, with what its version can do."""

import functools
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_KNOWS_THE_ENDPOINT = {1: (1, 29, 0), 2: (2, 13, 0)}
"""From these versions on AWS_ENDPOINT_URL is heeded; an older command would go to the real AWS."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsCommand:
    """One installed AWS command."""

    path: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return ".".join(map(str, self.version))

    def line(self, env: Mapping[str, str], *arguments: str) -> list[str]:
        """The command line; one that knows no AWS_ENDPOINT_URL is told the endpoint."""
        told = (
            [] if self.version >= _KNOWS_THE_ENDPOINT[self.version[0]] else ["--endpoint-url", env["AWS_ENDPOINT_URL"]]
        )
        return [self.path, *arguments, *told]

    def run(self, env: Mapping[str, str], *arguments: str) -> str:
        """Run it to its end and return what it prints; it must succeed."""
        line = self.line(env, *arguments)
        done = subprocess.run(line, env=dict(env), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{' '.join(line)}\n{done.stdout}{done.stderr}"
        return done.stdout


@functools.cache
def installed() -> tuple[AwsCommand, ...]:
    """All that are on the PATH, the newest first."""
    places = [Path(folder or ".") / "aws" for folder in os.environ["PATH"].split(os.pathsep)]
    found = []
    for path in dict.fromkeys(place for place in places if os.access(place, os.X_OK)):
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout
        match = re.match(r"aws-cli/(\d+)\.(\d+)\.(\d+)", said)
        if match is not None:
            found.append(AwsCommand(path=str(path), version=(int(match[1]), int(match[2]), int(match[3]))))
    return tuple(sorted(found, key=lambda one: one.version, reverse=True))


def newest(major: int) -> AwsCommand | None:
    """The newest of a major version, or None."""
    return next((one for one in installed() if one.version[0] == major), None)
