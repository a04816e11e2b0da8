"""A build of an image has ended: CloudFormation, which waits, hears of it, on failure with the log's last lines."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.cfn_response import Answer, answer_later, refuse_later
from shardyard.handlers.images.digests import find_digest
from shardyard.handlers.images.start_build.index import CALLBACK

_WORDS = {
    "FAILED": "failed",
    "FAULT": "ended with an error of CodeBuild's",
    "STOPPED": "was stopped",
    "TIMED_OUT": "took longer than its time-out",
}
_MOST_LINES = 100


def handler(event: Mapping[str, Any], context: object) -> None:
    """Lambda's entry: EventBridge's event of a build's end."""
    finish(event, aws.clients)


def finish(event: Mapping[str, Any], clients: aws.Clients) -> None:
    """Answer for the build; one that nobody waits for, such as one started by hand, needs no answer."""
    build_id = str(event["detail"]["build-id"]).partition(":build/")[2]
    builds = clients("codebuild").batch_get_builds(ids=[build_id])["builds"]
    if not builds:
        print(f"{build_id} is gone")
        return
    (build,) = builds
    variables = {one["name"]: one["value"] for one in build["environment"].get("environmentVariables", ())}
    if CALLBACK not in variables:
        print(f"nobody waits for {build_id}")
        return
    callback, status = json.loads(variables[CALLBACK]), str(build["buildStatus"])
    repository, tag = variables["REPOSITORY"], variables["TAG"]
    digest = find_digest(clients("ecr"), repository, tag) if status == "SUCCEEDED" else None
    if digest is not None:
        answer_later(callback, Answer(physical_id=f"{repository}:{tag}", data={"Digest": digest}))
        return
    ended = _WORDS.get(status, "succeeded, and the image is not in its repository")
    where = f"log {build['logs'].get('groupName')}, {build['logs'].get('streamName')}"
    refuse_later(
        callback, f"the build of {repository}:{tag} {ended} ({build_id}; {where})", _last_lines(build, clients)
    )


def _last_lines(build: Mapping[str, Any], clients: aws.Clients) -> list[str]:
    """The end of the build's log; a log that cannot be read must not keep the stack waiting."""
    log = build["logs"]
    if "groupName" not in log or "streamName" not in log:  # it ended before it began
        return []
    try:
        found = clients("logs").get_log_events(
            logGroupName=log["groupName"], logStreamName=log["streamName"], limit=_MOST_LINES, startFromHead=False
        )
    except ClientError as error:
        return [f"(its log cannot be read: {error})"]
    return [str(event["message"]).rstrip() for event in found["events"]]
