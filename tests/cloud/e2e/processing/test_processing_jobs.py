"""The processing jobs that ship, through their own state machines, with IAM enforced: what they leave behind."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.support.cloud.house import House
from tests.support.cloud.yard_command import Yard
from training.processing import pictures
from yard import images
from yard.launches import launching
from yard.runs import runs

pytestmark = pytest.mark.e2e
PICTURES = 60


@pytest.fixture(scope="module")
def prepared(shipped: House, tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    """A run of digits-prepare on two nodes, over a few pictures."""
    folder = tmp_path_factory.mktemp("raw")
    for number in range(PICTURES):
        path = folder / str(number % 3) / f"{number:03d}.png"
        path.parent.mkdir(exist_ok=True)
        pictures.write_png(path, numpy.full((28, 28), number, numpy.uint8))
    shipped.put(folder, "digits/raw/")
    return shipped.succeed("digits-prepare", {"arguments": ["--shard", "16"]})


def read(house: House, address: str) -> dict[str, bytes]:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    s3 = house.cloud.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_two_nodes_prepare_shards_and_report(shipped: House, prepared: runs.Run) -> None:
    receipt = shipped.receipt(prepared)
    assert receipt["kind"] == "processing" and set(receipt["outputs"]) == {"train", "test", "report"}
    report = json.loads(read(shipped, receipt["outputs"]["report"])["balance.json"])
    assert report["images"] == PICTURES and len(report["nodes"]) == 2 and sum(report["nodes"].values()) == PICTURES
    shards = {**read(shipped, receipt["outputs"]["train"]), **read(shipped, receipt["outputs"]["test"])}
    assert {name.partition("-0")[0] for name in shards} == set(report["nodes"])
    said = f"{PICTURES} images of 3 labels on 2 nodes"
    assert receipt["attempts"][-1]["exit_message"].startswith(said)
    mail = shipped.mail(prepared.run_id)
    assert mail["subject"] == f"digits-prepare was processed ({prepared.run_id})" and said in mail["text"]


def test_its_run_is_followed_like_any_other(shipped: House, prepared: runs.Run, tmp_path: Path) -> None:
    yard = Yard(env=shipped.cloud.env)
    status = yard.json("status", prepared.run_id, "--json")
    assert status["status"] == "succeeded" and status["phase"] == "Completed"
    assert status["processing_seconds"] > 0 and "60 images" in status["exit_message"]
    assert "60 images of 3 labels" in yard("logs", prepared.run_id).stdout
    got = yard.json("outputs", "get", prepared.run_id, "--name", "report", "--to", str(tmp_path), "--json")
    assert any(name.endswith("balance.json") for name in got["files"])


def test_how_evenly_its_output_would_be_dealt_out_is_shown(shipped: House, prepared: runs.Run) -> None:
    """The end of a chain: what one job has written is what the next one's nodes get."""
    command = ("data", "balance", "--job", prepared.job, "--channel", "train", "--nodes", "2", "--json")
    shares = Yard(env=shipped.cloud.env).json(*command)
    address = shipped.receipt(prepared)["outputs"]["train"]
    assert [share["node"] for share in shares] == ["algo-1", "algo-2"]
    assert sum(share["objects"] for share in shares) == len(read(shipped, address))


def test_a_runs_model_is_evaluated(shipped: House, undisturbed: runs.Run) -> None:
    launch: dict[str, Any] = {"inputs": launching.input_addresses(shipped.aws, {"model": undisturbed.run_id})}
    run = shipped.succeed("evaluate", launch)
    receipt = shipped.receipt(run)
    files = read(shipped, receipt["outputs"]["report"])
    found = json.loads(files["evaluation.json"])["metrics"]
    assert found["samples"] > 0 and 0.5 < found["accuracy"] <= 1
    assert files["confusion.png"].startswith(b"\x89PNG")
    assert receipt["attempts"][-1]["exit_message"].startswith(f"accuracy {found['accuracy']:.4f}")


def test_an_evaluation_without_a_model_is_refused(shipped: House) -> None:
    ended = shipped.run("evaluate", {})
    assert ended.status == "FAILED"
    assert "each launch names its address" in shipped.story(ended)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java (Debian: default-jre-headless)")
def test_spark_makes_features_over_two_nodes(shipped: House) -> None:
    images.push_image(shipped.aws, "spark")
    run = shipped.succeed("events-prepare", {})
    receipt = shipped.receipt(run)
    assert set(receipt["outputs"]) == {"features", "spark-events"}
    files = read(shipped, receipt["outputs"]["features"])
    assert any(name.startswith("year=") and name.endswith(".parquet") for name in files)
    assert "events of" in receipt["attempts"][-1]["exit_message"]
    assert read(shipped, receipt["outputs"]["spark-events"]), "the history needs them"
