"""CodeBuild on the embedded cloud: a buildspec really runs, and every end of a build is told."""

import io
import json
import time
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account, until

__all__ = ["account"]

pytestmark = pytest.mark.e2e

ENDS = ("SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED")
DOCKERFILE = """
FROM python:3.11 AS sources
COPY contract /out/opt/contract
FROM python:3.11
ARG VARIANT=cpu
COPY --from=sources /out/ /
ENV NVIDIA_VISIBLE_DEVICES=all
LABEL io.shardyard.variant="${VARIANT}"
ENTRYPOINT ["python", "-m", "training.launcher"]
"""
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/builds/own:abc-gpu"
PUSHES = {
    "version": 0.2,
    "env": {"variables": {"GREETING": "from the buildspec"}},
    "phases": {
        "pre_build": {
            "commands": [
                'echo "$GREETING, $WHO"',
                "aws ecr get-login-password | docker login --username AWS --password-stdin registry",
                "export KEPT=kept",
            ]
        },
        "build": {
            "commands": [
                'test "$KEPT" = kept && test -f contract/d.py',
                f"docker build --file Dockerfile --build-arg VARIANT=gpu --platform linux/arm64 --tag {IMAGE} .",
                f"docker push {IMAGE}",
            ]
        },
    },
}


@pytest.fixture(scope="module")
def codebuild(account: Account) -> Any:
    account.client("ecr").create_repository(repositoryName="builds/own", imageTagMutability="IMMUTABLE")
    account.client("s3").create_bucket(Bucket="build-sources")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Dockerfile", DOCKERFILE)
        archive.writestr("contract/d.py", "1")
    account.client("s3").put_object(Bucket="build-sources", Key="a.zip", Body=packed.getvalue())
    return account.client("codebuild")


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    return account.role("builder", "codebuild")


def project(codebuild: Any, role: str, name: str, spec: Any, *, source: str | None = None, **settings: Any) -> str:
    text = spec if isinstance(spec, str) else json.dumps(spec)
    place = {"type": "NO_SOURCE"} if source is None else {"type": "S3", "location": source}
    environment = {
        "type": "LINUX_CONTAINER",
        "image": "aws/codebuild/standard:7.0",
        "computeType": "BUILD_GENERAL1_SMALL",
        "privilegedMode": True,
        **settings.pop("environment", {}),
    }
    codebuild.create_project(
        name=name,
        source={**place, "buildspec": text},
        artifacts={"type": "NO_ARTIFACTS"},
        environment=environment,
        serviceRole=role,
        **settings,
    )
    return name


def ended(codebuild: Any, build: str) -> Any:
    def look() -> Any:
        (found,) = codebuild.batch_get_builds(ids=[build])["builds"]
        return found if found["buildComplete"] else None

    return until(look, seconds=60)


def run(codebuild: Any, name: str, **given: Any) -> Any:
    return ended(codebuild, codebuild.start_build(projectName=name, **given)["build"]["id"])


def log(account: Account, build: Any) -> str:
    where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    found = account.client("logs").get_log_events(**where, startFromHead=True)["events"]
    return "\n".join(event["message"] for event in found)


def phases(build: Any) -> dict[str, str]:
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def test_a_buildspec_runs_and_its_push_is_what_ecr_has(account: Account, codebuild: Any, role: str) -> None:
    project(codebuild, role, "pushes", PUSHES, source="build-sources/a.zip")
    build = run(codebuild, "pushes", environmentVariablesOverride=[{"name": "WHO", "value": "the caller"}])
    said = log(account, build)
    assert build["buildStatus"] == "SUCCEEDED", said
    assert list(phases(build)) == [
        *("SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "PRE_BUILD", "BUILD"),
        *("UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"),
    ]
    assert "from the buildspec, the caller" in said and "Login Succeeded" in said
    assert "a stand-in of the embedded cloud, since this machine lends builds no container engine" in said
    ecr = account.client("ecr")
    (image,) = ecr.batch_get_image(repositoryName="builds/own", imageIds=[{"imageTag": "abc-gpu"}])["images"]
    assert json.loads(image["imageManifest"])["config"]["size"] > 50


SPECS = {
    "a-command-fails": ({"build": {"commands": ["exit 3"]}}, "Reason: exit status 3"),
    "no-such-command": ({"build": {"commands": ["no-such-command"]}}, "Reason: exit status 127"),
    "docker-fails": ({"build": {"commands": ["docker run x"]}}, "it knows login, build and push, not 'run x'"),
    "what-is-not-emulated": ({"build": {"commands": ["true"], "run-as": "root"}}, "not emulated here: run-as"),
    "no-commands": ({"build": {"commands": []}}, "YAML_FILE_ERROR: phases need at least one command"),
    "no-list": ({"build": {"commands": "true"}}, "commands is a list of texts"),
    "an-unknown-phase": ({"deploy": {"commands": ["true"]}}, "not emulated here: deploy"),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_build_that_fails_says_why_in_its_log(account: Account, codebuild: Any, role: str, name: str) -> None:
    spec, said = SPECS[name]
    project(codebuild, role, name, {"version": 0.2, "phases": spec})
    build = run(codebuild, name)
    assert build["buildStatus"] == "FAILED"
    assert said in log(account, build)


@pytest.mark.parametrize("text", ["", "[", "version: 0.1\nphases: {}", "version: 0.2\nphases: 7", "a: &a [*a]"])
def test_what_is_no_buildspec_fails(account: Account, codebuild: Any, role: str, text: str) -> None:
    name = f"no-spec-{abs(hash(text))}"
    project(codebuild, role, name, "version: 0.2")
    assert "YAML_FILE_ERROR" in log(account, run(codebuild, name, buildspecOverride=text or "{}"))


def test_after_a_failed_build_its_post_build_runs_and_no_earlier_phase(
    account: Account, codebuild: Any, role: str
) -> None:
    later = {"commands": ['echo "succeeding: $CODEBUILD_BUILD_SUCCEEDING"']}
    spec = {"build": {"commands": ["false"], "finally": ["echo cleaned"]}, "post_build": later}
    project(codebuild, role, "post", {"version": 0.2, "phases": spec})
    build = run(codebuild, "post")
    assert build["buildStatus"] == "FAILED" and phases(build)["POST_BUILD"] == "SUCCEEDED"
    assert "cleaned" in log(account, build) and "succeeding: 0" in log(account, build)
    project(codebuild, role, "early", {"version": 0.2, "phases": {"pre_build": {"commands": ["false"]}, **spec}})
    assert "BUILD" not in phases(run(codebuild, "early"))


def test_docker_needs_privileges_as_on_aws(account: Account, codebuild: Any, role: str) -> None:
    project(codebuild, role, "plain", PUSHES, source="build-sources/a.zip", environment={"privilegedMode": False})
    assert "Cannot connect to the Docker daemon" in log(account, run(codebuild, "plain"))


def test_stopped_and_late_builds_end_as_such_and_tell_of_it(account: Account, codebuild: Any, role: str) -> None:
    from embedded.bus import events

    heard: list[Any] = []
    events.listener(lambda _account, _region, event: heard.append(event))
    project(codebuild, role, "slow", {"version": 0.2, "phases": {"build": {"commands": ["sleep 600"]}}})
    build = codebuild.start_build(projectName="slow")["build"]
    until(lambda: "BUILD" in phases(codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]), seconds=60)
    codebuild.stop_build(id=build["id"])
    assert ended(codebuild, build["id"])["buildStatus"] == "STOPPED"
    late = codebuild.start_build(projectName="slow", timeoutInMinutesOverride=5)["build"]
    until(lambda: "BUILD" in phases(codebuild.batch_get_builds(ids=[late["id"]])["builds"][0]), seconds=60)
    from embedded import clock

    before = clock.rate()
    clock.set_rate(1000.0)
    try:
        found = ended(codebuild, late["id"])
    finally:
        clock.set_rate(before)
    assert found["buildStatus"] == "TIMED_OUT"
    assert "Build has timed out after 5 minutes" in log(account, found)
    told = [event["detail"] for event in heard if event["detail-type"] == "CodeBuild Build State Change"]
    assert [one["build-status"] for one in told if one["build-id"].endswith(late["id"])] == ["IN_PROGRESS", "TIMED_OUT"]
    assert [one["build-status"] for one in told if one["build-id"].endswith(build["id"])] == ["IN_PROGRESS", "STOPPED"]


def test_a_build_does_with_its_roles_rights_and_no_more(account: Account, codebuild: Any) -> None:
    from embedded.access import guard

    role = account.role("lesser", "codebuild", allow=["logs:*", "s3:*"])
    project(codebuild, role, "lesser", PUSHES, source="build-sources/a.zip")
    guard.enforce({"on": True})
    try:
        build = run(codebuild, "lesser")
    finally:
        guard.enforce({"on": False})
    said = log(account, build)
    assert build["buildStatus"] == "FAILED" and "AccessDenied" in said, said


def code(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        call(**given)
    return str(refusal.value.response["Error"]["Code"])


def test_wrong_requests_are_refused(account: Account, codebuild: Any, role: str) -> None:
    assert code(codebuild.start_build, projectName="none") == "ResourceNotFoundException"
    assert code(codebuild.stop_build, id="none:1") == "ResourceNotFoundException"
    assert codebuild.batch_get_builds(ids=["none:1"])["buildsNotFound"] == ["none:1"]
    spec = {"version": 0.2, "phases": {"build": {"commands": ["true"]}}}
    lambdas = account.role("not-for-builds", "lambda")
    made = project(codebuild, role, "made", spec)
    assert code(project, codebuild=codebuild, role=role, name=made, spec=spec) == "ResourceAlreadyExistsException"
    for name, wrong in {
        "w1": {"role": lambdas},
        "w2": {"role": role, "timeoutInMinutes": 2161},
        "w3": {
            "role": role,
            "cache": {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
            "environment": {"privilegedMode": False},
        },
        "w4": {"role": role, "source": "nowhere"},
    }.items():
        assert code(project, codebuild=codebuild, name=name, spec=spec, **wrong) == "InvalidInputException"
    assert code(codebuild.start_build, projectName=made, debugSessionEnabled=True) == "NotImplemented"
    began = time.time()
    first = codebuild.start_build(projectName=made, idempotencyToken="one")["build"]["id"]
    assert codebuild.start_build(projectName=made, idempotencyToken="one")["build"]["id"] == first
    assert ended(codebuild, first)["startTime"].timestamp() >= began - 1
    codebuild.delete_project(name=made)
    assert made not in codebuild.list_projects()["projects"]
