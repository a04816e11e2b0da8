"""What holds for every template of the app: names, tags, one asset, rules, packs."""

import json
import re
from pathlib import Path

import pytest

from checks.check import cfn_lint
from checks.nag.acknowledgements import ACKNOWLEDGEMENTS
from checks.rules.check import check
from checks.rules.model import Assembly
from checks.rules.security_hub import BUILT, CONTROLS
from checks.scenarios import contexts
from shardyard.core.handler_code import code_files, code_hash
from shardyard.spec.catalogue.idle_cost import idle_usd
from tests.support.some import some
from tests.support.templates import Scenario

MOST_ACKNOWLEDGEMENTS = 54
"""A new acknowledgement is seen in review: whoever adds one raises this number."""


def test_stacks_are_named_after_project_and_stage(prod: Assembly) -> None:
    parts = {"storage", "network", "registry", "identity", "observability"}
    assert {f"shardyard-prod-{part}" for part in parts} <= set(prod.templates)
    assert all(stack.startswith("shardyard-prod-") for stack in prod.templates)


@pytest.mark.parametrize("name", sorted(contexts()))
def test_our_rules_and_the_packs_find_nothing_unexplained(scenario: Scenario, name: str) -> None:
    synthesised = scenario(name)
    assert [str(finding) for finding in (*check(synthesised.assembly), *synthesised.nag.unexplained)] == []


def test_cfn_lint_finds_nothing(scenario: Scenario) -> None:
    # `make check` does the same with every scenario; what most people deploy is enough for each test run.
    assert cfn_lint([str(path) for path in sorted(scenario("dev").folder.glob("*.template.json"))]) == []


def test_acknowledgements_are_counted_and_each_is_needed(scenario: Scenario) -> None:
    assert len(ACKNOWLEDGEMENTS) == MOST_ACKNOWLEDGEMENTS
    used = {entry for name in ("dev", "everything on") for entry in scenario(name).nag.used}
    assert [f"{e.rule} for {e.where}" for e in ACKNOWLEDGEMENTS if e not in used and not e.of_cdk] == []


def test_the_packs_report_what_is_acknowledged_with_its_reason(scenario: Scenario) -> None:
    nag = scenario("dev").nag
    assert {finding.pack for finding in nag.acknowledged} == {
        "AwsSolutions",
        "NIST.800.53.R5",
        "HIPAA.Security",
        "PCI.DSS.321",
    }


def test_everything_that_takes_tags_carries_ours(everything: Assembly) -> None:
    wanted = {"project": "shardyard", "stage": "dev", "owner": "platform team", "cost-center": "ml-42"}
    untagged = {"AWS::IAM::ManagedPolicy", "AWS::KMS::Alias", "AWS::Logs::ResourcePolicy"}
    tagged = 0
    for resource in everything.resources():
        tags = resource.properties.get("Tags")
        if isinstance(tags, list):
            found = {tag["Key"]: tag["Value"] for tag in tags}
            assert wanted.items() <= found.items(), resource.where
            tagged += 1
        elif resource.type in ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::IAM::Role", "AWS::Lambda::Function"):
            pytest.fail(f"{resource.where} has no tags")
        else:
            assert resource.type not in untagged or tags is None
    assert tagged > 40


def test_all_functions_share_one_asset_that_lies_beside_the_templates(scenario: Scenario) -> None:
    synthesised = scenario("everything on")
    keys = {
        json.dumps(function.properties["Code"]) for function in synthesised.assembly.resources("AWS::Lambda::Function")
    }
    assert len(keys) == 1
    (zipped,) = [
        path for path in synthesised.folder.glob("asset.*.zip") if path.stem.removeprefix("asset.") in min(keys)
    ]
    assert zipped.stat().st_size < 1_200_000


def test_the_asset_is_the_same_from_every_path_and_ignores_caches(tmp_path: Path) -> None:
    here = code_files()
    for name, content in here.items():
        target = tmp_path / "elsewhere" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    copy = tmp_path / "elsewhere" / "shardyard"
    cache = copy / "spec" / "__pycache__"
    cache.mkdir()
    (cache / "names.cpython-311.pyc").write_bytes(b"cache")
    assert code_hash(code_files(copy)) == code_hash(here)
    (copy / "spec" / "names.py").write_text("changed")
    assert code_hash(code_files(copy)) != code_hash(here)


def test_prod_cannot_be_deleted_by_a_slip(scenario: Scenario) -> None:
    for name, protected in (("dev", False), ("prod", True)):
        artifacts = json.loads((scenario(name).folder / "manifest.json").read_text())["artifacts"]
        found = {
            artifact["properties"].get("terminationProtection")
            for artifact in artifacts.values()
            if artifact["type"] == "aws:cloudformation:stack"
        }
        assert found == {protected}


def test_the_security_hub_page_knows_which_resources_are_built(everything: Assembly) -> None:
    under_a_control = {control.type for control in CONTROLS}
    present = {resource.type.removeprefix("AWS::SageMaker::") for resource in everything.resources()}
    assert under_a_control & present == set(BUILT)


def test_the_embedded_cloud_needs_no_cdk_metadata(everything: Assembly) -> None:
    assert "AWS::CDK::Metadata" not in {resource.type for resource in everything.resources()}


def test_interface_endpoints_cost_while_nothing_runs(dev: Assembly, everything: Assembly) -> None:
    assert idle_usd(everything.templates) > idle_usd(dev.templates) + 11 * 7


def test_every_parameter_of_ours_means_the_settings_when_empty(everything: Assembly) -> None:
    count = 0
    for stack, template in everything.templates.items():
        for name, parameter in template.get("Parameters", {}).items():
            if name == "BootstrapVersion":
                continue
            count += 1
            where = f"{stack}/{name}"
            assert (parameter["Type"], parameter["Default"]) == ("String", ""), where
            assert parameter["ConstraintDescription"], where
            if "AllowedValues" in parameter:
                assert "" in parameter["AllowedValues"], where
            else:
                assert re.fullmatch(parameter["AllowedPattern"], ""), where
    assert count > 20


def test_every_function_writes_to_an_encrypted_log_that_expires(everything: Assembly) -> None:
    for function in some(everything.resources("AWS::Lambda::Function")):
        group = everything.target(function.stack, function.properties["LoggingConfig"]["LogGroup"])
        assert group is not None, function.where
        assert group.properties["RetentionInDays"] == 90
        key = everything.target(group.stack, group.properties["KmsKeyId"])
        assert key is not None and key.type == "AWS::KMS::Key", function.where


def test_a_custom_resource_waits_a_little_longer_than_its_function(everything: Assembly) -> None:
    custom = [resource for resource in everything.resources() if resource.type.startswith("Custom::")]
    # A build is answered by another function, when it has ended
    found = [resource for resource in custom if resource.type != "Custom::ImageBuild"]
    assert len(found) >= 5
    for resource in found:
        function = everything.target(resource.stack, resource.properties["ServiceToken"])
        assert function is not None, resource.where
        assert resource.properties["ServiceTimeout"] == function.properties["Timeout"] + 60


@pytest.mark.parametrize(("name", "protected"), [("prod", True), ("dev", False)])
def test_the_stacks_of_prod_are_protected_from_deletion(scenario: Scenario, name: str, protected: bool) -> None:
    manifest = json.loads((scenario(name).folder / "manifest.json").read_text())
    stacks = [part for part in manifest["artifacts"].values() if part["type"] == "aws:cloudformation:stack"]
    assert {stack["properties"].get("terminationProtection", False) for stack in stacks} == {protected}


def test_every_log_group_is_encrypted_with_our_key_and_ends(everything: Assembly) -> None:
    groups = list(everything.resources("AWS::Logs::LogGroup"))
    assert len(groups) > 10
    for group in groups:
        key = everything.target(group.stack, group.properties["KmsKeyId"])
        assert key is not None and key.type == "AWS::KMS::Key", group.where
        assert group.properties["RetentionInDays"] == 90, group.where
