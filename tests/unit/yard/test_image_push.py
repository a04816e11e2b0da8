"""`yard image push` on AWS: what docker is told, by a docker that writes it down; the account is a fake."""

import json
import os
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.spec.catalogue.images import content_tag
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.settings.settings import Settings
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_rule_cases import search
from yard import images
from yard.account import deployed
from yard.errors import UserError
from yard.image_builds import Secrets

ROOT = Path(__file__).parents[3]
GPU = make(compute={"instance_type": "ml.g5.xlarge", "fallback": [{"instance_type": "ml.c5.xlarge"}]})
CPU = make(compute={"instance_type": "ml.c5.xlarge"})


class Ecr:
    """A registry that holds some tags."""

    def __init__(self) -> None:
        self.tags: set[str] = set()

    def describe_images(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> None:
        assert repositoryName == "shardyard-dev/pytorch"
        if imageIds[0]["imageTag"] not in self.tags:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": ""}}, "DescribeImages")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where docker and aws write down what they are told."""
    file = tmp_path / "said"
    for name in ("docker", "aws"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >> {file}\n[ "$1" != login ] || cat > /dev/null\necho x\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return file


def account(jobs: list[Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """An account in which these jobs are deployed."""

    def read(aws: Any, job: str, *, search: bool = False) -> Any:
        raise UserError("not deployed")

    monkeypatch.setattr(deployed, "read", read)
    ecr = Ecr()
    project = SimpleNamespace(
        root=ROOT, settings=Settings(), jobs=lambda: jobs, deploy="npx cdk deploy", job=lambda name: jobs[0]
    )
    client = {"ecr": ecr}.__getitem__
    facts = {"account": "123456789012", "region": "eu-west-1", "partition": "aws", "endpoint": None}
    return SimpleNamespace(project=project, client=client, ecr=ecr, **facts)


def test_what_docker_says_stays_out_of_what_the_command_prints(
    said: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    images.push_image(account([CPU], monkeypatch), "pytorch")
    printed = capfd.readouterr()
    assert "docker push" in said.read_text()
    assert printed.out == "" and "x" in printed.err.split()


def test_what_the_jobs_need_is_built_each_on_its_own_base(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = images.push_image(account([GPU, CPU], monkeypatch), "pytorch")
    lines = said.read_text().splitlines()
    builds = [line for line in lines if line.startswith("docker build")]
    assert [one["variant"] for one in done["images"]] == ["cpu", "gpu"] and len(builds) == 2
    tag = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shardyard-dev/pytorch:{content_tag(ROOT, 'pytorch')}"
    assert f"--build-arg VARIANT=cpu --build-arg BASE_IMAGE=python:3.11-slim-bookworm --tag {tag}-cpu" in builds[0]
    assert "BASE_IMAGE=763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch:2.13-cu133-amzn2023-sagemaker" in builds[1]
    assert f"--tag {tag}-gpu" in builds[1] and builds[1].endswith(" .")
    assert f"--build-arg CONTENT={content_tag(ROOT, 'pytorch')}" in builds[0]
    assert [line for line in lines if line.startswith("docker push")] == [
        f"docker push {tag}-cpu",
        f"docker push {tag}-gpu",
    ]
    log_ins = [line for line in lines if line.startswith("docker login")]
    assert [line.rpartition(" ")[2].partition(".")[0] for line in log_ins] == ["123456789012", "763104351884"]


SEARCH = make(**search(instances=[{"instance_type": "ml.g5.xlarge"}]), compute={"instance_type": "ml.m5.large"})


def test_trials_need_their_image_too(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = images.push_image(account([SEARCH], monkeypatch), "pytorch")
    assert [one["variant"] for one in done["images"]] == ["cpu", "gpu"]


@pytest.mark.parametrize(("spec", "needed"), [(SEARCH, "gpu"), (replace(SEARCH, tuning=None), "cpu")])
def test_a_launch_asks_for_the_image_that_it_runs(spec: Any, needed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    aws, content = account([SEARCH], monkeypatch), content_tag(ROOT, "pytorch")
    place = Deployment(
        project="p", stage="s", data_bucket="d", artifact_bucket="a", role_arn="r", image_bases={"cpu": "", "gpu": ""}
    )
    uri = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shardyard-dev/pytorch:{content}"
    found = deployed.Deployed(definition=spec, spec=spec, deployment=replace(place, image_uri=uri), sources={})
    aws.ecr.tags = {f"{content}-{one}" for one in ("cpu", "gpu") if one != needed}
    with pytest.raises(UserError, match=f"pytorch:{content}-{needed}, with which job is deployed, is not in its"):
        images.check_before_launch(aws, "job", found)
    aws.ecr.tags = {f"{content}-{needed}"}
    images.check_before_launch(aws, "job", found)


def test_what_is_there_is_not_built_again(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = account([GPU, CPU], monkeypatch)
    aws.ecr.tags = {f"{content_tag(ROOT, 'pytorch')}-{name}" for name in ("cpu", "gpu")}
    done = images.push_image(aws, "pytorch")
    assert done["pushed"] is False and not said.exists()


def test_secrets_are_docker_secrets_and_no_arguments(
    said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ca.crt", "pip.conf"):
        (tmp_path / name).write_text("hidden")
    secrets = Secrets(ca=tmp_path / "ca.crt", pip_conf=tmp_path / "pip.conf")
    images.push_image(account([CPU], monkeypatch), "pytorch", secrets=secrets)
    (build,) = [line for line in said.read_text().splitlines() if line.startswith("docker build")]
    assert f"--secret id=ca,src={tmp_path}/ca.crt --secret id=pip,src={tmp_path}/pip.conf" in build
    assert "hidden" not in said.read_text()
    with pytest.raises(UserError, match="There is no file"):
        images.push_image(account([CPU], monkeypatch), "pytorch", secrets=Secrets(ca=tmp_path / "none"))


def test_a_variant_that_the_folder_lacks_is_refused(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="has no variant tpu; there are: cpu, gpu, cpu-arm64"):
        images.push_image(account([CPU], monkeypatch), "pytorch", variants=["tpu"])
    done = images.push_image(account([CPU], monkeypatch), "pytorch", variants=["cpu-arm64"])
    assert [one["variant"] for one in done["images"]] == ["cpu-arm64"]
    assert "--platform linux/arm64" in said.read_text()


def test_a_password_in_the_repositorys_address_stays_out_of_the_labels(
    said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.write_text('#!/bin/sh\n[ "$1" = config ] && echo https://me:word@host/project.git || echo abc\n')
    program.chmod(0o755)
    images.push_image(account([CPU], monkeypatch), "pytorch")
    assert "--build-arg SOURCE=https://host/project.git --build-arg REVISION=abc" in said.read_text()
    assert json.dumps("word") not in said.read_text() and "me:word" not in said.read_text()


def test_where_nodes_are_containers_the_image_is_built_and_pushed_to_the_clouds_own_registry(
    said: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a cloud of cells has registered by its name alone is removed first: its tag may not be movable."""
    tag = f"{content_tag(ROOT, 'pytorch')}-cpu"
    manifests: dict[str, Any] = {tag: {"layers": []}}
    removed: list[str] = []

    class Registry(Ecr):
        def get_authorization_token(self) -> dict[str, Any]:
            token = b64encode(b"AWS:secret").decode()
            return {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": "http://127.0.0.1:4566"}]}

        def batch_get_image(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
            return {"images": [{"imageManifest": json.dumps(manifests[imageIds[0]["imageTag"]])}]}

        def batch_delete_image(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> None:
            removed.append(imageIds[0]["imageTag"])

    aws = account([CPU], monkeypatch)
    aws.endpoint, ecr = "http://localhost:4566", Registry()
    aws.client = {"ecr": ecr}.__getitem__
    ecr.tags = {tag}
    monkeypatch.setattr(images.embedded, "has_containers", lambda endpoint: endpoint == "http://localhost:4566")
    assert images.push_image(aws, "pytorch")["pushed"]
    login, build, push = said.read_text().splitlines()
    assert removed == [tag]
    assert login == "docker login --username AWS --password-stdin 127.0.0.1:4566", "the password is on no command line"
    assert build.startswith("docker build ") and f"--tag 127.0.0.1:4566/shardyard-dev/pytorch:{tag} " in build
    assert push == f"docker push 127.0.0.1:4566/shardyard-dev/pytorch:{tag}"
    manifests[tag] = {"layers": [{"digest": "sha256:1"}]}
    assert not images.push_image(aws, "pytorch")["pushed"]
    assert len(said.read_text().splitlines()) == 3, "what is really there is not built again"
