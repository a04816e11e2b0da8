"""Images: the tag that is a folder's content, Deep Learning Containers, URIs in parts."""

from pathlib import Path

import pytest
from aws_cdk.region_info import RegionInfo

from shardyard.spec.catalogue.hosting import CONTAINERS
from shardyard.spec.catalogue.images import (
    DLC_ACCOUNTS,
    DLC_IMAGES,
    content_tag,
    dlc_name,
    framework_of,
    image_name,
    parse_uri,
)
from shardyard.spec.errors import SpecError
from tests.support.spec.spec_tables import make

DIGEST = "sha256:" + "a" * 64


def project(root: Path) -> Path:
    files = {"containers/pytorch/Dockerfile": "FROM x", "contract/d.py": "3", "training/launcher/__main__.py": ""}
    for name, text in {**files, "serving/s.py": "4", "training/a.py": "1", "training/b/c.py": "2"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_tag_is_the_content_and_nothing_else(tmp_path: Path) -> None:
    first, second = project(tmp_path / "one"), project(tmp_path / "else/where")
    tag = content_tag(first, "pytorch")
    assert len(tag) == 16 and int(tag, 16) >= 0
    assert content_tag(second, "pytorch") == tag
    (second / "training/__pycache__").mkdir()
    (second / "training/__pycache__/a.cpython-311.pyc").write_text("x")
    assert content_tag(second, "pytorch") == tag


@pytest.mark.parametrize(
    "name", ["containers/pytorch/Dockerfile", "contract/d.py", "serving/s.py", "training/b/c.py", "training/new.py"]
)
def test_any_change_changes_the_tag(tmp_path: Path, name: str) -> None:
    root = project(tmp_path)
    before = content_tag(root, "pytorch")
    (root / name).write_text("changed")
    assert content_tag(root, "pytorch") != before


def test_moving_text_from_one_file_to_another_changes_the_tag(tmp_path: Path) -> None:
    root = project(tmp_path)
    before = content_tag(root, "pytorch")
    (root / "training/a.py").write_text("")
    (root / "training/b/c.py").write_text("12")
    assert content_tag(root, "pytorch") != before


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"image\.folder: there is no folder containers/tf in this project"):
        content_tag(project(tmp_path), "tf")


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:1",
            ("123456789012", "eu-west-1", "a/b", "1", None),
        ),
        (
            f"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@{DIGEST}",
            ("123456789012", "cn-north-1", "a", None, DIGEST),
        ),
        ("registry.local:5000/own:1", (None, None, "own", "1", None)),
    ],
)
def test_a_uri_in_parts(uri: str, parts: tuple[str | None, ...]) -> None:
    read = parse_uri(uri)
    assert (read.account, read.region, read.repository, read.tag, read.digest) == parts


@pytest.mark.parametrize("uri", ["own", "own:1", "registry.local/own"])
def test_what_is_no_image_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"is not an image: write registry/repository:tag"):
        parse_uri(uri)


def test_deep_learning_containers_by_kind_of_machine() -> None:
    assert dlc_name("pytorch", "2.13", gpu=True) == "pytorch:2.13-cu133-amzn2023-sagemaker"
    assert dlc_name("tensorflow", "2.21", gpu=False) == "tensorflow-training:2.21-cpu-py312-amzn2023-sagemaker"


def test_an_unknown_container_says_which_are_known() -> None:
    with pytest.raises(
        SpecError, match=r"no Deep Learning Container of pytorch 1.0 is known \(known: 2.11, 2.12, 2.13"
    ):
        dlc_name("pytorch", "1.0", gpu=True)


def test_accounts_agree_with_cdk_where_it_knows_one() -> None:
    compared = 0
    for region, account in DLC_ACCOUNTS.items():
        known = RegionInfo.get(region).dlc_repository_account
        if known is not None:
            assert account == known, region
            compared += 1
    assert compared >= 20


def test_the_framework_of_a_container_is_found_again() -> None:
    for framework, versions in DLC_IMAGES.items():
        for container in versions.values():
            assert framework_of(DLC_ACCOUNTS["eu-west-1"], container["repository"]) == framework
    for framework, versions in CONTAINERS.items():
        for container in versions.values():
            assert framework_of(DLC_ACCOUNTS["eu-west-1"], container["repository"]) == framework
    assert framework_of("683313688378", "sagemaker-scikit-learn") == "sklearn"
    assert framework_of("123456789012", "sagemaker-scikit-learn") is None
    assert framework_of("173754725891", "sagemaker-spark-processing") == "spark"
    assert framework_of("173754725891", "pytorch") is None, "the account of Spark's images has no others"
    assert framework_of("123456789012", "sagemaker-spark-processing") is None
    assert framework_of("123456789012", "pytorch") is None, "a repository of one's own"
    assert framework_of(DLC_ACCOUNTS["eu-west-1"], "huggingface-pytorch-training") is None
    assert framework_of(DLC_ACCOUNTS["eu-west-1"], "huggingface-pytorch-inference") is None


def test_the_image_of_a_job(tmp_path: Path) -> None:
    def name_of(**image: str | None) -> str:
        spec = make(image={"folder": None, **image})
        return image_name(spec, project="shardyard", stage="dev", root=project(tmp_path))

    assert name_of(folder="pytorch") == f"shardyard-dev/pytorch:{content_tag(tmp_path, 'pytorch')}"
    assert name_of(repository="own", tag="1") == "own:1"
    assert name_of(repository="own", digest=DIGEST) == f"own@{DIGEST}"
    assert name_of(framework="pytorch", version="2.13") == "pytorch:2.13-cu133-amzn2023-sagemaker"
