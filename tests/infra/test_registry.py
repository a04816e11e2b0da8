"""Image repositories: one for each folder in containers/, with tags that never move."""

import json

from checks.rules.model import Assembly
from stacks.build import ROOT, image_folders
from tests.support.some import some


def test_each_folder_has_its_repository(dev: Assembly) -> None:
    names = {repository.properties["RepositoryName"] for repository in dev.resources("AWS::ECR::Repository")}
    assert names == {f"shardyard-dev/{folder}" for folder in image_folders(ROOT)}
    assert "shardyard-dev/pytorch" in names


def test_a_repository_is_immutable_scanned_encrypted_and_expires(dev: Assembly) -> None:
    for repository in some(dev.resources("AWS::ECR::Repository")):
        properties = repository.properties
        assert properties["ImageTagMutability"] == "IMMUTABLE"
        assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert properties["EncryptionConfiguration"]["EncryptionType"] == "KMS"
        rules = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
        assert [rule["selection"]["countType"] for rule in rules] == ["sinceImagePushed", "imageCountMoreThan"]


def test_dev_repositories_go_with_their_images_and_prod_keeps_them(dev: Assembly, prod: Assembly) -> None:
    assert {r.properties.get("EmptyOnDelete") for r in dev.resources("AWS::ECR::Repository")} == {True}
    for repository in some(prod.resources("AWS::ECR::Repository")):
        raw = prod.templates[repository.stack]["Resources"][repository.logical_id]
        assert raw["DeletionPolicy"] == "RetainExceptOnCreate"
        assert "EmptyOnDelete" not in repository.properties
