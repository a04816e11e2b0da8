"""One build from its start to its end: source, phases, log, time-out, and the events about it."""

import contextlib
import io
import json
import logging
import os
import select
import shutil
import signal
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded import clients, clock
from embedded.access import roles
from embedded.bus import events
from embedded.kept import parts
from embedded.nodes.logs import LogStream
from embedded.operations import ServiceError
from embedded.services.codebuild import buildspec, place
from embedded.services.codebuild.access import SERVICE
from embedded.services.codebuild.store import Build, Json

_LOOK_SECONDS = 0.2
_log = logging.getLogger(__name__)


class _Ended(Exception):
    """The build ends here."""

    def __init__(self, status: str, message: str = "") -> None:
        super().__init__(message)
        self.status, self.message = status, message


class _Logs:
    """The service's client in the role's name, which need not be allowed to make a group that is there."""

    def __init__(self, build: Build) -> None:
        self._build, self._client = build, _client(build, "logs")

    def create_log_group(self, logGroupName: str) -> None:
        """Make it where it is not there."""
        root = clients.client("logs", self._build.account, self._build.region)
        found = root.describe_log_groups(logGroupNamePrefix=logGroupName)["logGroups"]
        if not any(group["logGroupName"] == logGroupName for group in found):
            self._client.create_log_group(logGroupName=logGroupName)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _client(build: Build, api: str) -> Any:
    session = f"AWSCodeBuild-{build.answer['id'].rpartition(':')[2]}"
    return roles.client_as(
        build.answer["serviceRole"], service=SERVICE, session=session[:64], api=api, region=build.region
    )


def start(build: Build) -> None:
    """Run it in the background."""
    threading.Thread(target=_run, args=(build,), name=f"build {build.answer['id']}", daemon=True).start()


def _run(build: Build) -> None:
    folder = Path(tempfile.mkdtemp(prefix="yard-build-"))
    read_end, output = os.pipe()
    stream = LogStream(_Logs(build), _group(build), build.answer["logs"]["streamName"], read_end, lambda *_: None)
    stream.start()
    status, message = "SUCCEEDED", ""
    try:
        publish(build)
        _prepare_and_run(build, folder, output)
    except _Ended as end:
        status, message = end.status, end.message
    except Exception as error:
        _log.exception("build %s failed in the cloud itself", build.answer["id"])
        status, message = "FAULT", f"{type(error).__name__}: {error}"
    finally:
        if message:
            with contextlib.suppress(OSError):
                os.write(output, f"[Container] {message}\n".encode())
        os.close(output)
        stream.join(30)
        shutil.rmtree(folder, ignore_errors=True)
    build.leave("SUCCEEDED" if status == "SUCCEEDED" else status, message)
    build.enter("COMPLETED")
    build.answer |= {"buildStatus": status, "buildComplete": True, "endTime": time.time()}
    publish(build)


def _group(build: Build) -> str:
    return str(build.answer["logs"]["groupName"])


def _prepare_and_run(build: Build, folder: Path, output: int) -> None:
    refused = place.refusal()
    if refused is not None:
        raise _Ended("FAILED", refused)
    build.leave("SUCCEEDED")
    build.enter("PROVISIONING")
    build.leave("SUCCEEDED")
    build.enter("DOWNLOAD_SOURCE")
    (folder / "source").mkdir()
    _fetch_source(build, folder / "source")
    text = build.buildspec
    if not text:
        path = folder / "source" / "buildspec.yml"
        if not path.is_file():
            raise _Ended("FAILED", "YAML_FILE_ERROR: stat buildspec.yml: no such file or directory")
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        found = buildspec.read(text)
    except buildspec.BuildspecError as error:
        raise _Ended("FAILED", str(error)) from None
    build.leave("SUCCEEDED")
    running = place.start(folder, found.phases, {**found.variables, **_environment(build)}, output)
    try:
        _follow(build, running)
    finally:
        with contextlib.suppress(OSError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        os.close(running.answers)
        if running.door is not None:
            running.door.close()
    build.enter("UPLOAD_ARTIFACTS")
    build.leave("SUCCEEDED")
    build.enter("FINALIZING")


def _fetch_source(build: Build, folder: Path) -> None:
    source = build.answer["source"]
    if source["type"] == "NO_SOURCE":
        return
    bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
    try:
        body = _client(build, "s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            archive.extractall(folder)
    except (ClientError, BotoCoreError, ServiceError, zipfile.BadZipFile) as error:
        raise _Ended("FAILED", f"CLIENT_ERROR: source {source['location']}: {error}") from None


def _environment(build: Build) -> dict[str, str]:
    answer, environment = build.answer, build.answer["environment"]
    session = roles.assume(
        answer["serviceRole"], service=SERVICE, session=f"AWSCodeBuild-{answer['buildNumber']}", region=build.region
    )
    given = {one["name"]: one["value"] for one in environment.get("environmentVariables", ())}
    return {
        **given,
        **session.environment(),
        "AWS_REGION": build.region,
        "AWS_DEFAULT_REGION": build.region,
        "AWS_ENDPOINT_URL": clients.endpoint(),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CODEBUILD_BUILD_ARN": answer["arn"],
        "CODEBUILD_BUILD_ID": answer["id"],
        "CODEBUILD_BUILD_NUMBER": str(answer["buildNumber"]),
        "CODEBUILD_BUILD_IMAGE": environment["image"],
        "CODEBUILD_INITIATOR": answer["initiator"],
        "CODEBUILD_LOG_PATH": answer["logs"]["streamName"],
        "YARD_PRIVILEGED": "1" if environment.get("privilegedMode") else "0",
        "LANG": "C.UTF-8",
    }


def _follow(build: Build, running: place.Running) -> None:
    """Hear of the phases until the build's process has ended, was stopped, or is out of time."""
    until = clock.seconds() + 60.0 * build.answer["timeoutInMinutes"]
    rest, failed = b"", list[str]()
    while True:
        if build.is_stopped:
            raise _Ended("STOPPED", "The build was stopped.")
        if clock.seconds() > until:
            raise _Ended("TIMED_OUT", f"Build has timed out after {build.answer['timeoutInMinutes']} minutes.")
        ready, _, _ = select.select([running.answers], [], [], _LOOK_SECONDS)
        if not ready:
            continue
        piece = os.read(running.answers, 1 << 16)
        if not piece:
            break
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            _hear(build, line, failed)
    code = running.process.wait()
    if failed:
        raise _Ended("FAILED", failed[0])
    if code != 0:
        raise _Ended("FAILED", f"the build's process ended with exit code {code}")


def _hear(build: Build, line: bytes, failed: list[str]) -> None:
    if not line.startswith(b"{"):  # the process id
        return
    said: Json = json.loads(line)
    parts.touch()
    if said["event"] == "begin":
        build.enter(said["phase"].upper())
    elif "code" in said:
        message = f"Error while executing command: {said['command']}. Reason: exit status {said['code']}"
        build.leave("FAILED", message)
        failed.append(message)
    else:
        build.leave("SUCCEEDED")


def publish(build: Build) -> None:
    """Tell the account's bus of the build's state."""
    answer, log = build.answer, build.answer["logs"]
    detail = {
        "build-status": answer["buildStatus"],
        "project-name": answer["projectName"],
        "build-id": answer["arn"],
        "current-phase": answer["currentPhase"],
        "current-phase-context": "[]",
        "version": "1",
        "additional-information": {
            "build-complete": answer["buildComplete"],
            "build-number": float(answer["buildNumber"]),
            "build-start-time": time.strftime("%b %d, %Y %I:%M:%S %p", time.gmtime(answer["startTime"])),
            "initiator": answer["initiator"],
            "timeout-in-minutes": float(answer["timeoutInMinutes"]),
            "environment": _hyphenated(answer["environment"]),
            "source": answer["source"],
            "logs": {"group-name": log["groupName"], "stream-name": log["streamName"], "deep-link": log["deepLink"]},
            "phases": [{"phase-type": one["phaseType"]} for one in build.phases],
        },
    }
    event = {
        "source": "aws.codebuild",
        "detail-type": "CodeBuild Build State Change",
        "resources": [answer["arn"]],
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "detail": detail,
    }
    try:
        events.publish(build.account, build.region, event)
    except Exception:
        # a failing rule must not keep a build from ending
        _log.exception("the event of build %s was not delivered", answer["id"])


def _hyphenated(environment: Json) -> Json:
    names = {"computeType": "compute-type", "privilegedMode": "privileged-mode"}
    names |= {"environmentVariables": "environment-variables"}
    return {names.get(name, name): value for name, value in environment.items()}
