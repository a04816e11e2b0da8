"""Images that a deploy builds: what the template says of platform, privileges, log, cache, rights and who answers."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from checks.rules.model import Assembly
from shardyard.images.image_builder import BUILDSPEC
from shardyard.images.training_image import TrainingImage
from shardyard.spec.catalogue.variants import read_bases
from stacks.build import ROOT
from stacks.registry import needed_folders
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_rule_cases import search
from tests.support.templates import Scenario


def only(assembly: Assembly, kind: str) -> Any:
    (found,) = [one for one in assembly.resources(kind) if one.stack.endswith("registry")]
    return found.properties


def test_the_platform_is_pinned_and_only_builds_are_privileged(everything: Assembly) -> None:
    environment = only(everything, "AWS::CodeBuild::Project")["Environment"]
    assert environment["Type"] == "LINUX_CONTAINER" and "x86_64" in environment["Image"]
    assert environment["PrivilegedMode"] is True, "docker's daemon needs it"
    commands = [line for phase in BUILDSPEC["phases"].values() for line in phase["commands"]]
    assert all(re.search(r"docker|describe-images", line) for line in commands)


def test_a_build_has_a_log_that_ends_a_time_out_and_a_cache(everything: Assembly) -> None:
    project = only(everything, "AWS::CodeBuild::Project")
    group = project["LogsConfig"]["CloudWatchLogs"]
    assert group["Status"] == "ENABLED"
    groups = {one.logical_id: one.properties for one in everything.resources("AWS::Logs::LogGroup")}
    assert groups[group["GroupName"]["Ref"]]["RetentionInDays"] > 0 and "KmsKeyId" in groups[group["GroupName"]["Ref"]]
    assert project["TimeoutInMinutes"] + project["QueuedTimeoutInMinutes"] <= 60, "CloudFormation waits for an hour"
    assert project["Cache"] == {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]}
    assert "EncryptionKey" in project


def test_every_end_of_a_build_wakes_who_answers_and_is_heard_before_any_build(everything: Assembly) -> None:
    (rule,) = [one for one in everything.resources("AWS::Events::Rule") if one.stack.endswith("registry")]
    detail = rule.properties["EventPattern"]["detail"]
    assert sorted(detail["build-status"]) == ["FAILED", "FAULT", "STOPPED", "SUCCEEDED", "TIMED_OUT"]
    images = [*everything.resources("Custom::ImageBuild")]
    assert len(images) >= 2
    for image in images:
        raw = everything.templates[image.stack]["Resources"][image.logical_id]
        assert rule.logical_id in raw["DependsOn"]
        assert image.properties["ServiceTimeout"] == 3600


def test_the_jobs_decide_what_is_built_and_on_what(everything: Assembly) -> None:
    builds = [one.properties for one in everything.resources("Custom::ImageBuild")]
    images = {one["Variables"]["VARIANT"]: one for one in builds if one["Variables"]["FOLDER"] == "pytorch"}
    assert set(images) == {"cpu", "gpu"} < set(read_bases(ROOT / "containers/pytorch"))
    assert images["cpu"]["Variables"]["BASE_IMAGE"].startswith("python:")
    base = json.dumps(images["gpu"]["Variables"]["BASE_IMAGE"])
    assert "DlcAccounts" in base and "pytorch:2.13-cu133-amzn2023-sagemaker" in base
    for variant, image in images.items():
        assert re.fullmatch(rf"[0-9a-f]{{16}}-{variant}", image["Tag"])
    (other,) = [one for one in builds if one["Variables"]["FOLDER"] == "tensorflow"]
    assert other["Variables"]["VARIANT"] == "cpu", "its only job here runs on processors"
    (alone,) = [one for one in builds if one["Variables"]["FOLDER"] == "spark"]
    assert (alone["Variables"]["VARIANT"], alone["Variables"]["BASE_IMAGE"]) == ("", ""), "its Dockerfile has one"
    assert re.fullmatch(r"[0-9a-f]{16}", alone["Tag"])


@pytest.mark.parametrize(
    ("base", "given"), [("", []), ("python:3.11", ["--build-arg", "BASE_IMAGE=python:3.11"])], ids=["none", "one"]
)
def test_a_folder_of_one_image_keeps_the_base_of_its_dockerfile(base: str, given: list[str], tmp_path: Path) -> None:
    """An empty build argument would take the place of the Dockerfile's own default."""
    build = BUILDSPEC["phases"]["build"]["commands"][0]
    script = f'docker() {{ printf "%s\\n" "$@"; }}\n{build}'
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, env={"BASE_IMAGE": base}, capture_output=True, text=True)
    words = done.stdout.splitlines()
    assert words[0] == "build"
    at = [number for number, word in enumerate(words) if word.startswith("BASE_IMAGE=")]
    assert [word for number in at for word in words[number - 1 : number + 1]] == given


def test_machines_wait_for_their_images(scenario: Scenario) -> None:
    manifest = json.loads((scenario("everything on").folder / "manifest.json").read_text())
    assert "shardyard-dev-registry" in manifest["artifacts"]["shardyard-dev-training"]["dependencies"]
    manifest = json.loads((scenario("dev").folder / "manifest.json").read_text())
    assert "shardyard-dev-registry" not in manifest["artifacts"]["shardyard-dev-training"]["dependencies"]


def test_fallbacks_need_their_images_too() -> None:
    jobs = [
        make(compute={"instance_type": "ml.g5.xlarge", "fallback": [{"instance_type": "ml.c5.xlarge"}]}),
        make(image={"folder": None, "repository": "own", "tag": "1"}, program=None),
    ]
    assert needed_folders(jobs, ROOT) == {"pytorch": ["cpu", "gpu"]}


def test_trials_need_their_images_too() -> None:
    trials = search(instances=[{"instance_type": "ml.g5.xlarge"}])
    assert needed_folders([make(compute={"instance_type": "ml.m5.large"}, **trials)], ROOT) == {
        "pytorch": ["cpu", "gpu"]
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "own: give a tag or a digest, and not both"),
        ({"tag": "1", "digest": "sha256:" + "0" * 64}, "own: give a tag or a digest, and not both"),
        ({"tag": "latest"}, "own:latest is not allowed: it moves"),
    ],
)
def test_a_tag_that_moves_is_no_image_of_a_job(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        TrainingImage.from_repository("own", **given)


def test_images_from_elsewhere(tmp_path: Path) -> None:
    digest = "sha256:" + "0" * 64
    assert TrainingImage.from_repository("own", digest=digest).uri.endswith(f"/own@{digest}")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    stack = cdk.Stack(cdk.App(), "images")
    container = stack.resolve(TrainingImage.deep_learning_container(stack, "pytorch", "2.13", gpu=False).uri)
    assert "pytorch:2.13-cpu-amzn2023-sagemaker" in json.dumps(container) and "DlcAccounts" in json.dumps(container)
    image = TrainingImage.from_asset(stack, "Own", tmp_path)
    assert image.repository_arn is not None and stack.resolve(image.uri)
