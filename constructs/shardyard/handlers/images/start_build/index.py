"""Custom resource: an image that is there costs nothing; for another one a build starts, and its end is the answer.

Nothing waits: the build's last event wakes the handler that answers, whether it was built, failed, stopped or late.
"""

import json

from shardyard.handlers import aws
from shardyard.handlers.cfn_response import Answer, Request, custom_resource
from shardyard.handlers.images.digests import find_digest

CALLBACK = "CALLBACK"
"""The build's variable that says who waits for its end."""


@custom_resource
def handler(request: Request) -> Answer | None:
    """Start a build where it takes one; remove nothing, since runs may still pull the image."""
    return start(request, aws.clients)


def start(request: Request, clients: aws.Clients) -> Answer | None:
    """What `handler` does, with these clients."""
    if request.kind == "Delete":
        return Answer(physical_id=request.physical_id)
    wanted = request.properties
    repository, tag = wanted["Repository"], wanted["Tag"]
    digest = find_digest(clients("ecr"), repository, tag)
    if digest is not None:
        return Answer(physical_id=f"{repository}:{tag}", data={"Digest": digest})
    variables = {**wanted["Variables"], "REPOSITORY": repository, "TAG": tag, CALLBACK: json.dumps(request.callback)}
    clients("codebuild").start_build(
        projectName=wanted["Project"],
        sourceTypeOverride="S3",
        sourceLocationOverride=wanted["Source"],
        environmentVariablesOverride=[{"name": name, "value": value} for name, value in variables.items()],
        # Lambda may hand over one request twice
        idempotencyToken=request.callback["RequestId"],
    )
    return None
