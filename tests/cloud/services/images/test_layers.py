"""ECR keeps what a push uploads of an image, and gives it back by an address that is signed for an hour."""

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.nodes.pushing import stand_in
from shardyard.spec.catalogue.image_commands import ImageBuild
from shardyard.spec.catalogue.variants import Variant
from tests.support.cloud.in_process import Account, account

__all__ = ["account"]

ROOT = Path(__file__).parents[4]
URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/layers/pytorch:abc-gpu"
BUILD = ImageBuild(uri=URI, region="us-east-1", folder="pytorch", name="gpu", variant=Variant(base="aws:pytorch/2.13"))


@pytest.fixture(scope="module")
def ecr(account: Account) -> Any:
    found = account.client("ecr")
    found.create_repository(repositoryName="layers/pytorch", imageTagMutability="IMMUTABLE")
    return found


def digest_of(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def upload(ecr: Any, *pieces: bytes, digest: str | None = None) -> dict[str, Any]:
    place = {"repositoryName": "layers/pytorch"}
    place["uploadId"] = ecr.initiate_layer_upload(**place)["uploadId"]
    first = 0
    for piece in pieces:
        ecr.upload_layer_part(**place, partFirstByte=first, partLastByte=first + len(piece) - 1, layerPartBlob=piece)
        first += len(piece)
    wanted = digest_of(b"".join(pieces)) if digest is None else digest
    answer: dict[str, Any] = ecr.complete_layer_upload(**place, layerDigests=[wanted])
    return answer


def code(call: Any, *arguments: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        call(*arguments, **given)
    return str(refusal.value.response["Error"]["Code"])


def test_a_pushed_folder_says_what_it_was_built_for(ecr: Any) -> None:
    digest = stand_in.push(ecr, BUILD, root=ROOT, content="abc")
    (image,) = ecr.batch_get_image(repositoryName="layers/pytorch", imageIds=[{"imageTag": "abc-gpu"}])["images"]
    assert image["imageId"]["imageDigest"] == digest == digest_of(image["imageManifest"].encode())
    layer = json.loads(image["imageManifest"])["config"]["digest"]
    address = ecr.get_download_url_for_layer(repositoryName="layers/pytorch", layerDigest=layer)["downloadUrl"]
    with urllib.request.urlopen(address, timeout=30) as answer:
        blob = answer.read()
    assert digest_of(blob) == layer
    config = json.loads(blob)
    assert config["architecture"] == "amd64"
    assert "NVIDIA_VISIBLE_DEVICES=all" in config["config"]["Env"]
    labels = config["config"]["Labels"]
    assert (labels["io.shardyard.variant"], labels["io.shardyard.content"]) == ("gpu", "abc")
    assert labels["org.opencontainers.image.base.name"].endswith("/pytorch:2.13-cu133-amzn2023-sagemaker")


def test_a_layer_comes_in_pieces_and_once(ecr: Any) -> None:
    assert upload(ecr, b"one", b"two")["layerDigest"] == digest_of(b"onetwo")
    found = ecr.batch_check_layer_availability(
        repositoryName="layers/pytorch", layerDigests=[digest_of(b"onetwo"), digest_of(b"none"), "sha256:x"]
    )
    assert [one["layerAvailability"] for one in found["layers"]] == ["AVAILABLE", "UNAVAILABLE"]
    assert [one["failureCode"] for one in found["failures"]] == ["InvalidLayerDigest"]
    assert code(upload, ecr, b"onetwo") == "LayerAlreadyExistsException"


def test_what_is_not_what_it_should_be_is_refused(ecr: Any) -> None:
    place = {"repositoryName": "layers/pytorch"}
    assert code(upload, ecr, b"other", digest=digest_of(b"this")) == "InvalidLayerException"
    assert code(upload, ecr) == "EmptyUploadException"
    begun = ecr.initiate_layer_upload(**place)["uploadId"]
    for first, last in ((1, 3), (0, 5), (3, 0)):
        given = {"partFirstByte": first, "partLastByte": last, "layerPartBlob": b"abc"}
        assert code(ecr.upload_layer_part, **place, uploadId=begun, **given) == "InvalidLayerPartException"
    unknown = "00000000-0000-0000-0000-000000000000"
    missing = {"uploadId": unknown, "layerDigests": [digest_of(b"a")]}
    assert code(ecr.complete_layer_upload, **place, **missing) == "UploadNotFoundException"
    nowhere = {"repositoryName": "layers/none"}
    assert code(ecr.initiate_layer_upload, **nowhere) == "RepositoryNotFoundException"
    absent = {"layerDigest": digest_of(b"absent")}
    assert code(ecr.get_download_url_for_layer, **place, **absent) == "LayersNotFoundException"


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda address: address.partition("?")[0],
        lambda address: address.replace("expires=", "expires=9"),
        lambda address: address.replace("expires=", "expires=%C2%B2"),
        lambda address: address[:-4] + "0000",
        lambda address: address.replace("/_layer/", "/_layer/../"),
        lambda address: address.replace("/_layer/", "/_layer/%2e%2e%2f"),
    ],
)
def test_nobody_reads_a_layer_by_another_address(ecr: Any, spoilt: Any) -> None:
    stand_in.push_config(ecr, {"for": "addresses"}, "layers/pytorch", f"t{abs(hash(spoilt))}")
    digest = digest_of(json.dumps({"for": "addresses"}).encode())
    address = ecr.get_download_url_for_layer(repositoryName="layers/pytorch", layerDigest=digest)["downloadUrl"]
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(spoilt(address), timeout=30)
    assert refusal.value.code in (400, 403)
