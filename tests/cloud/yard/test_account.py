"""Looking, uploading and planning with the real command: nothing here launches a job."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.house import wait_until
from tests.support.cloud.yard_command import COMMAND, ROOT, Yard, heed_ctrl_c
from yard.errors import Exit

pytestmark = pytest.mark.e2e
QUOTA = "ml.g5.xlarge for spot training job usage"


@pytest.fixture(scope="module")
def yard(deployed_cloud: Cloud) -> Yard:
    return Yard(env=deployed_cloud.env)


@pytest.fixture
def no_quota(deployed_cloud: Cloud, yard: Yard) -> Iterator[None]:
    """The account has no spot ml.g5.xlarge meanwhile."""
    rows = yard.json("quota", "--json")
    before = next(row["granted"] for row in rows if row["quota"] == QUOTA)
    deployed_cloud.admin("quota", name=QUOTA, value=0)
    yield
    deployed_cloud.admin("quota", name=QUOTA, value=before)


def states(yard: Yard, *options: str) -> dict[str, str | None]:
    return {row["job"]: row["quotas"] for row in yard.json("jobs", "--json", *options)}


def test_jobs_say_whether_quotas_allow_them(yard: Yard) -> None:
    assert states(yard)["mnist-ddp"] == "yes"
    assert states(yard)["gpt-tp-pp"] == "no"
    table = yard("jobs")
    assert "2 x ml.g5.xlarge" in table.stdout
    assert "gpt-tp-pp: ml.p4d.24xlarge for training job usage: 0 granted, 2 needed" in table.stderr


def test_offline_quotas_are_not_known(yard: Yard) -> None:
    assert set(states(yard, "--offline").values()) == {None}


@pytest.mark.usefixtures("no_quota")
def test_a_quota_that_is_missing_shows_and_can_be_asked_for(yard: Yard) -> None:
    assert states(yard)["mnist-ddp"] == "no"
    rows = {row["quota"]: row for row in yard.json("quota", "--json")}
    assert rows[QUOTA]["state"] == "missing"
    assert "Asked for 2 of" in yard("quota", "request", QUOTA, "2", "--yes").stderr
    assert {row["quota"]: row for row in yard.json("quota", "--json")}[QUOTA]["state"] == "pending"
    assert "already open" in yard("quota", "request", QUOTA, "2", "--yes").stderr


def test_a_dry_run_is_the_plan(yard: Yard) -> None:
    plan = yard.json("train", "mnist-ddp", "--dry-run", "--json", "--nodes", "3", "--set", "epochs=1", "--on-demand")
    assert plan["instances"] == [{"type": "ml.g5.xlarge", "count": 3}]
    assert plan["spot"] is False
    assert plan["hyperparameters"]["epochs"] == 1
    assert plan["sources"]["hyperparameters.epochs"] == "input"
    assert plan["worst_case"]["usd"] > 0


def test_an_unknown_hyperparameter_is_passed_on_with_a_word(yard: Yard) -> None:
    done = yard("train", "mnist-ddp", "--dry-run", "--set", "learing_rate=1")
    assert "did you mean 'learning_rate'?" in done.stderr
    assert "learing_rate=1" in done.stdout


def test_a_launch_wants_an_answer(yard: Yard, deployed_cloud: Cloud) -> None:
    yard("image", "push", "pytorch")
    said = yard("train", "mnist-ddp", code=Exit.USAGE).stderr
    assert "This is not a terminal" in said
    assert "--yes" in said


def test_a_worst_case_above_the_cap_is_refused_before_launch(yard: Yard) -> None:
    assert "0.5" in yard("train", "mnist-ddp", "--max-cost", "0.5", "--yes", code=Exit.FIX).stderr


def test_an_image_is_pushed_once(yard: Yard) -> None:
    first = yard.json("image", "push", "pytorch", "--json")
    again = yard.json("image", "push", "pytorch", "--json")
    there = [{**one, "pushed": False} for one in first["images"]]
    assert {one["variant"] for one in there} >= {"cpu", "gpu"}
    assert again == {**first, "pushed": False, "images": there}
    assert "there are: " in yard("image", "push", "pytorhc", code=Exit.FIX).stderr


def test_check_lists_problems_for_a_program(yard: Yard, tmp_path: Path) -> None:
    assert yard.json("check", "--json")["problems"] == []
    (tmp_path / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/a.toml").write_text("colour = 1\n")
    found = replace(yard, folder=tmp_path).json("check", "--json", code=Exit.FIX)["problems"]
    assert "colour" in str(found)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.txt").write_text(str(number) * (number + 1))
    return folder


def put(yard: Yard, folder: Path, *options: str) -> dict[str, object]:
    found = yard.json("data", "put", str(folder), "--job", "linear-sharded", "--channel", "train", "--json", *options)
    assert isinstance(found, dict)
    return found


def test_data_is_sent_once_and_what_lies_there_too_is_said(yard: Yard, digits: Path) -> None:
    first = put(yard, digits, "--delete")
    assert (first["files"], first["sent"]) == (9, 9)
    assert put(yard, digits)["sent"] == 0
    (digits / "3.txt").write_text("another")
    os.utime(digits / "3.txt", (1_000, 1_000))
    assert put(yard, digits)["sent"] == 1, "other content, however old the file says that it is"
    (digits / "9.bin").write_bytes(bytes(9_000_000))
    assert put(yard, digits)["sent"] == 1
    shutil.rmtree(yard.folder / ".yard/uploaded", ignore_errors=True)
    assert put(yard, digits)["sent"] == 0, "S3 tells the checksums, of what went in parts too"
    (digits / "9.bin").unlink()
    put(yard, digits, "--delete")
    (digits / "8.txt").unlink()
    assert [str(key).rpartition("/")[2] for key in put(yard, digits)["others"]] == ["8.txt"]  # type: ignore[attr-defined]
    assert put(yard, digits, "--delete")["others_deleted"] is True
    assert put(yard, digits)["others"] == []


def test_sample_data_is_made_and_lies_where_the_job_reads_it(yard: Yard, tmp_path: Path) -> None:
    made = yard.json("data", "sample", "mnist-ddp", str(tmp_path), "--json")
    assert set(made["channels"]) == {"train", "test"}
    assert made["channels"]["train"].endswith("/digits/train/")
    assert len(list((tmp_path / "mnist-ddp/train").glob("*.npy"))) == 8
    assert "everything was there already." in yard("data", "sample", "mnist-ddp", str(tmp_path)).stderr


def test_shards_are_balanced_and_known_again(yard: Yard, digits: Path) -> None:
    assert put(yard, digits, "--shards", "3", "--delete")["sent"] == 3
    assert put(yard, digits, "--shards", "3")["sent"] == 0
    command = ("data", "balance", "--job", "linear-sharded", "--channel", "train", "--nodes", "3", "--json")
    assert [row["objects"] for row in yard.json(*command)] == [1, 1, 1]


def test_an_upload_that_was_interrupted_goes_on_where_it_was(yard: Yard, deployed_cloud: Cloud, tmp_path: Path) -> None:
    (stack,) = deployed_cloud.client("cloudformation").describe_stacks(StackName="shardyard-dev-storage")["Stacks"]
    bucket = next(one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "DataBucketName")
    s3, prefix = deployed_cloud.client("s3"), "events/validation/"
    for number in range(1500):
        (tmp_path / f"{number:04}.bin").write_bytes(bytes([number % 256]) * 2000)
    before = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"]
    command = [*COMMAND, "data", "put", str(tmp_path), "--job", "linear-sharded", "--channel", "validation"]
    process = subprocess.Popen(
        command,
        cwd=yard.folder,
        env=yard.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    wait_until(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] > before, "the first file")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED, said
    assert re.search(r"Interrupted: \d+ of 1500 files sent\. Run it again to continue\.", said)
    rest = yard.json(*command[len(COMMAND) :], "--json")
    assert 0 < rest["sent"] < 1500
    balance = ("data", "balance", "--job", "linear-sharded", "--channel", "validation", "--nodes", "1", "--json")
    (row,) = yard.json(*balance)
    assert row["objects"] == 1500 + len(rest["others"])  # the prefix has what other tests train with, too
    keys = [{"Key": f"{prefix}{number:04}.bin"} for number in range(1500)]
    for first in (0, 1000):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[first : first + 1000]})


def test_a_channel_that_is_not_there(yard: Yard, digits: Path) -> None:
    command = ("data", "put", str(digits), "--job", "mnist-ddp", "--channel", "trian")
    assert "did you mean 'train'?" in yard(*command, code=Exit.FIX).stderr


def test_costs(yard: Yard) -> None:
    found = yard.json("cost", "--json")
    assert found["budget_usd"] > 0
    assert found["idle_monthly_usd"] <= 6
    assert yard.json("cost", "estimate", "mnist-ddp", "--json")["usd"] == pytest.approx(2.82, abs=0.5)


def test_the_doctor_finds_the_account_in_order(yard: Yard) -> None:
    rows = {row["what"]: row for row in yard.json("doctor", "--json")}
    assert rows["bootstrap"]["state"] == "ok"
    assert rows["stacks"]["state"] == "ok"
    assert "shardyard-dev-training" in rows["stacks"]["says"]


def test_what_a_removal_would_do(yard: Yard) -> None:
    done = yard("destroy", "--dry-run", "--json")
    rows = json.loads(done.stdout)
    stay = [row["resource"] for row in rows if row["fate"] == "stays"]
    assert stay == ["CDKToolkit", "/aws/sagemaker/TrainingJobs", "training jobs", "registered models"]
    assert any(row["kind"] == "AWS::S3::Bucket" and "objects" in row["why"] for row in rows)
    assert "shardyard-dev-storage" in done.stderr
    assert "nothing was removed" in yard("destroy", "--yes-project", "other", code=Exit.FIX).stderr


def test_a_plain_request_can_be_sent(yard: Yard) -> None:
    request = yard.json("export", "mnist-ddp", "--request")
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert "Say which" in yard("export", "mnist-ddp", code=Exit.USAGE).stderr


def test_the_cloud_from_its_own_folder(yard: Yard, deployed_cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    (tmp_path / "jobs").mkdir()
    (tmp_path / ".yard").mkdir()
    (tmp_path / ".yard/cloud").symlink_to(deployed_cloud.folder)
    here = replace(yard, folder=tmp_path)
    assert here.json("cloud", "status", "--json")["endpoint"] == deployed_cloud.endpoint
    assert here.json("cloud", "up", "--json")["endpoint"] == deployed_cloud.endpoint
    assert here.json("cloud", "env", "--json")["AWS_ENDPOINT_URL"] == deployed_cloud.endpoint
    assert "stop_grace_seconds" in here.json("cloud", "settings", "--json")
    assert here.json("cloud", "weather", "fair", "last_sync=never", "--json")["weather"] == "last_sync=never"
    assert "known: fair, pessimistic" in here("cloud", "weather", "awful", code=Exit.FIX).stderr
    assert here.json("cloud", "weather", "fair", "--json")["weather"] == "fair"
    limited = [{"instance_type": "ml.p5.48xlarge", "instances": 0}]
    assert here.json("cloud", "capacity", "ml.p5.48xlarge", "0", "--json") == limited
    assert here.json("cloud", "capacity", "ml.p5.48xlarge", "--json") == []
    assert any("failed-jobs" in row["alarm"] for row in here.json("cloud", "alarms", "--json"))
    assert "shardyard-dev-storage" in here.json("cloud", "inventory", "--json")["stacks"]
    assert "rules:" in here("cloud", "fire", "nothing", code=Exit.FIX).stderr
    assert "did you mean" in here("cloud", "quota", f"{QUOTA}s", "1", code=Exit.FIX).stderr
    assert "runs" in here("cloud", "interrupt", "nothing", code=Exit.FIX).stderr
