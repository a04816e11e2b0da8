"""What the service keeps: projects, and the builds of each."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from embedded.kept import parts
from embedded.operations import Call

Json = dict[str, Any]

lock = threading.RLock()
_projects: dict[tuple[str, str], dict[str, Json]] = {}
_builds: dict[str, "Build"] = {}
"""Every build by its ARN."""
_numbers: dict[str, int] = {}
parts.keep_contents("codebuild.projects", _projects)
parts.keep_contents("codebuild.builds", _builds)
parts.keep_contents("codebuild.numbers", _numbers)


@dataclass(kw_only=True, slots=True)
class Build:
    """One build: what is answered of it, and whether somebody wants it to end."""

    account: str
    region: str
    answer: Json
    """What BatchGetBuilds answers."""
    buildspec: str
    """The buildspec that it runs; empty where the source has it."""
    is_stopped: bool = False
    phases: list[Json] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return bool(self.answer["buildComplete"])

    def enter(self, phase: str) -> None:
        """Begin a phase."""
        self.answer["currentPhase"] = phase
        self.phases.append({"phaseType": phase, "startTime": time.time()})

    def leave(self, status: str, message: str = "") -> None:
        """End the phase that it is in."""
        phase = self.phases[-1]
        if "phaseStatus" in phase:
            return
        seconds = int(time.time() - phase["startTime"])
        phase |= {"phaseStatus": status, "endTime": time.time(), "durationInSeconds": seconds}
        if message:
            code = {"TIMED_OUT": "BUILD_TIMED_OUT", "FAULT": "INTERNAL_ERROR"}.get(status, "COMMAND_EXECUTION_ERROR")
            phase["contexts"] = [{"statusCode": code, "message": message}]

    def describe(self) -> Json:
        """What is answered of it."""
        return {**self.answer, "phases": list(self.phases)}


def projects(account: str, region: str) -> dict[str, Json]:
    """The projects of an account in a region, by name."""
    return _projects.setdefault((account, region), {})


def builds(call: Call) -> dict[str, Build]:
    """The builds of an account in a region, by id, oldest first."""
    start = f"arn:aws:codebuild:{call.region}:{call.account}:build/"
    return {arn.removeprefix(start): build for arn, build in _builds.items() if arn.startswith(start)}


def add(build: Build) -> None:
    """Keep a build from now on."""
    _builds[build.answer["arn"]] = build


def next_number(project_arn: str) -> int:
    """The number of a project's next build."""
    _numbers[project_arn] = _numbers.get(project_arn, 0) + 1
    return _numbers[project_arn]


@parts.afterwards
def _end_what_ran() -> None:
    """What ran when the cloud ended runs no more."""
    for build in _builds.values():
        if not build.is_over:
            build.leave("FAULT", "The embedded cloud ended while the build ran.")
            build.answer |= {"buildStatus": "FAULT", "buildComplete": True, "endTime": time.time()}
