"""Deploying the app's templates without the CDK command: synthesise, upload the assets, create or update each stack."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.support.cloud.house import ROOT

_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class RefusedError(Exception):
    """An update that was rolled back: the stack is as before, and those that come after it are not deployed."""


def synthesise(out: Path, context: Mapping[str, Any]) -> None:
    """Write the templates of the app with these settings."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH")}
    environment |= {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(dict(context))}
    environment |= {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20", "CDK_VALIDATION": "false"}
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def deploy(cloud: Any, out: Path, *, account: str, region: str) -> None:
    """Deploy every stack, those that others depend on first."""
    artifacts = json.loads((out / "manifest.json").read_text())["artifacts"]
    for name in _in_order(artifacts):
        bucket, key = _upload(cloud, out, name, account=account, region=region)
        _put(cloud, artifacts[name], f"{cloud.endpoint}/{bucket}/{key}")


def templates(out: Path) -> dict[str, Any]:
    """The templates that were synthesised, by the names of their stacks."""
    artifacts = json.loads((out / "manifest.json").read_text())["artifacts"]
    return {
        _name(one): json.loads((out / one["properties"]["templateFile"]).read_text())
        for one in artifacts.values()
        if one["type"] == "aws:cloudformation:stack"
    }


def _name(artifact: Mapping[str, Any]) -> str:
    properties = artifact["properties"]
    return str(properties.get("stackName", properties["templateFile"].removesuffix(".template.json")))


def _in_order(artifacts: Mapping[str, Any]) -> Iterator[str]:
    stacks = {name for name, one in artifacts.items() if one["type"] == "aws:cloudformation:stack"}
    done: set[str] = set()
    while done != stacks:
        for name in sorted(stacks - done):
            if set(artifacts[name].get("dependencies", ())) & stacks <= done:
                done.add(name)
                yield name


def _upload(cloud: Any, out: Path, stack: str, *, account: str, region: str) -> tuple[str, str]:
    """Bring the stack's assets to the bootstrap bucket; the answer is where its template lies."""
    s3 = cloud.client("s3")
    template = ("", "")
    for asset in json.loads((out / f"{stack}.assets.json").read_text())["files"].values():
        source = out / asset["source"]["path"]
        for place in asset["destinations"].values():
            bucket = place["bucketName"].replace("${AWS::AccountId}", account).replace("${AWS::Region}", region)
            s3.put_object(Bucket=bucket, Key=place["objectKey"], Body=_content(source))
            if source.name == f"{stack}.template.json":
                template = (bucket, place["objectKey"])
    return template


def _content(source: Path) -> bytes:
    if source.is_file():
        return source.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, path.relative_to(source))
    return packed.getvalue()


def _put(cloud: Any, artifact: Mapping[str, Any], url: str) -> None:
    api, properties = cloud.client("cloudformation"), artifact["properties"]
    name = _name(artifact)
    tags = [{"Key": key, "Value": value} for key, value in properties.get("tags", {}).items()]
    given = {"StackName": name, "TemplateURL": url, "Capabilities": _CAPABILITIES, "Tags": tags}
    try:
        api.create_stack(**given)
    except api.exceptions.AlreadyExistsException:
        try:
            api.update_stack(**given)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    for _ in range(60):
        status = api.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
    reasons = [
        event.get("ResourceStatusReason")
        for event in api.describe_stack_events(StackName=name)["StackEvents"]
        if event["ResourceStatus"].endswith("FAILED")
    ]
    if status == "UPDATE_ROLLBACK_COMPLETE":
        raise RefusedError(f"{name}: {reasons}")
    assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), (name, status, reasons)
