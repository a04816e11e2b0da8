"""The real client against the embedded cloud's S3: channels and checkpoints with no file on the way."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.lent_packages import lend_packages
from tests.support.clouds.training_cloud import BUCKET, REGION, ROOT, TRUST, TrainingCloud
from tests.support.training.ranks import results, run_ranks
from tests.support.training.training_cases import Run, train
from training.data import s3
from training.pytorch.parallel.plan import Plan

READ = """
import json, sys
from training.data import World, channel
from training.pytorch.data import Loader
prefix, rank, ranks, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
dataset = channel(prefix, seed=4, world=World(rank=rank, world_size=ranks, local_rank=rank, local_world_size=ranks))
samples = [row for batch in Loader(dataset, 1, workers=workers, last="keep", collate=list) for row in batch]
print(json.dumps([str(sample) for sample in samples]))
"""


@pytest.fixture(scope="module")
def cloud(cloud: TrainingCloud) -> TrainingCloud:
    cloud.put("set/train/", "")
    for shard in range(3):
        cloud.put(f"set/train/{shard}.jsonl", "".join(f'{{"n": {shard * 10 + n}}}\n' for n in range(10)))
        cloud.put(f"set/files/{shard}/a.txt", f"file {shard}" * 1000)
    return cloud


@pytest.fixture
def variables(cloud: TrainingCloud) -> dict[str, str]:
    """What a training job's container has, too."""
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": cloud.state.secret,
    }


def read(variables: Mapping[str, str], prefix: str, rank: int = 0, ranks: int = 1, workers: int = 0) -> list[str]:
    command = [sys.executable, "-c", READ, prefix, str(rank), str(ranks), str(workers)]
    ended = subprocess.run(command, env=os.environ | variables, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    said: list[str] = json.loads(ended.stdout.splitlines()[-1])
    return said


def test_the_ranks_divide_a_prefix(variables: dict[str, str]) -> None:
    shares = [read(variables, f"s3://{BUCKET}/set/train/", rank, 2) for rank in range(2)]
    assert [len(share) for share in shares] == [15, 15]
    assert sorted(shares[0] + shares[1]) == sorted(str({"n": number}) for number in range(30))


@pytest.mark.parametrize("workers", [0, 2])
def test_plain_objects_are_read_by_the_process_or_by_its_workers(variables: dict[str, str], workers: int) -> None:
    samples = read(variables, f"s3://{BUCKET}/set/files/", workers=workers)
    assert len(samples) == 3
    assert {sample[:24] for sample in samples} == {f"{{'__key__': '{shard}/a', 'txt'" for shard in range(3)}


def test_what_the_service_refuses_is_said_in_its_words(variables: dict[str, str]) -> None:
    command = [sys.executable, "-c", "from training.data import channel; channel('s3://no-such-bucket-here/x/')"]
    ended = subprocess.run(command, env=os.environ | variables, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.stderr.splitlines()[-1].endswith(
        "s3://no-such-bucket-here/x/: Service error: The bucket does not exist"
    )


def start(run: Run, world: int, folder: Path, environ: Mapping[str, str]) -> list[Any]:
    folder.mkdir()
    return results(run_ranks(world, train, run, folder=folder, nodes=2, environ=environ))


def test_a_run_on_two_nodes_saves_to_s3_and_goes_on_from_there(
    cloud: TrainingCloud, variables: dict[str, str], tmp_path: Path
) -> None:
    undisturbed = start(Run(plan=Plan(data="fsdp"), checkpoints=tmp_path / "disk"), 2, tmp_path / "a", variables)
    run = Run(plan=Plan(data="fsdp"), location=f"s3://{BUCKET}/checkpoints/job/straight/", steps=4)
    start(run, 2, tmp_path / "b", variables)
    folder = "checkpoints/job/straight/run"
    saves = sorted({key.split("/")[4] for key in cloud.keys(folder) if "/step-" in key})
    assert saves == ["step-00000002-g1", "step-00000004-g1"]
    assert json.loads(cloud.get(f"{folder}/latest.json"))["folder"] == "step-00000004-g1"

    whole = cloud.get(f"{folder}/step-00000004-g1/rank-00001/tensors.safetensors")
    cloud.put(f"{folder}/step-00000004-g1/rank-00001/tensors.safetensors", whole[:-1] + bytes([whole[-1] ^ 1]))
    run = Run(plan=Plan(data="fsdp"), location=run.location)
    resumed = start(run, 2, tmp_path / "c", variables)
    assert [one["start"] for one in resumed] == [2, 2]
    said = "warning: checkpoint step-00000004-g1/rank-00001/tensors.safetensors does not match its sha256"
    assert said in (tmp_path / "c" / "rank-0.log").read_text()
    assert resumed[0]["digest"] == undisturbed[0]["digest"]

    elsewhere = Run(plan=Plan(), location=run.location, steps=8)
    (alone,) = results(run_ranks(1, train, elsewhere, folder=tmp_path, environ=variables))
    assert alone["start"] == 6, "another number of ranks and another plan"
    saves = sorted({key.split("/")[4] for key in cloud.keys(folder) if "/step-" in key})
    assert len(saves) == 3, "the last three are kept"
    assert not cloud.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_replicas_write_each_piece_once_and_not_once_a_node(
    cloud: TrainingCloud, variables: dict[str, str], tmp_path: Path
) -> None:
    run = Run(plan=Plan(), location=f"s3://{BUCKET}/checkpoints/replicas/", steps=2)
    start(run, 2, tmp_path / "a", variables)
    alone = Run(plan=Plan(), location=f"s3://{BUCKET}/checkpoints/alone/", steps=2)
    results(run_ranks(1, train, alone, folder=tmp_path, environ=variables))

    def stored(prefix: str) -> int:
        return sum(len(cloud.get(key)) for key in cloud.keys(prefix) if key.endswith(".safetensors"))

    assert stored("checkpoints/replicas/") < 1.2 * stored("checkpoints/alone/")


JOB = """
import torch
from training.data import channel
from training.pytorch.checkpoint import Checkpointer
from training.pytorch.process_group import Ranks
print(sorted(row["n"] for row in channel("s3://{bucket}/set/train/"))[-1], flush=True)
net = torch.nn.Linear(2, 2)
saved = Checkpointer(model=net, optimizer=None, ranks=Ranks(), every_steps=2, folder="s3://{bucket}/{prefix}")
with saved:
    first = saved.restore() + 1
    for step in range(first, first + 3):
        saved.after_step(step)
print("began at", first)
"""


def allow(actions: list[str], resources: list[str], prefix: str | None = None) -> dict[str, Any]:
    condition = {} if prefix is None else {"Condition": {"StringLike": {"s3:prefix": [prefix]}}}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **condition}


def own_role(cloud: TrainingCloud) -> str:
    """What the template of a job with this channel and with checkpoints gives its role, and no more."""
    bucket = f"arn:aws:s3:::{BUCKET}"
    write = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    statements = [
        allow(["s3:GetObject"], [f"{bucket}/set/train/*"]),
        allow(["s3:ListBucket"], [bucket], "set/train/*"),
        allow(write, [f"{bucket}/out/*", f"{bucket}/checkpoints/job/*"]),
        allow(["s3:ListBucket"], [bucket], "checkpoints/job/*"),
        allow(["logs:*", "cloudwatch:PutMetricData", "s3:GetBucketLocation"], ["*"]),
    ]
    iam = cloud.client("iam")
    arn: str = iam.create_role(RoleName="own", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName="own", PolicyName="own", PolicyDocument=document)
    return arn


@pytest.mark.e2e
def test_a_job_reads_and_saves_with_its_roles_own_permissions(cloud: TrainingCloud) -> None:
    program = JOB.format(bucket=BUCKET, prefix="checkpoints/job/straight/")
    image = cloud.image("straight", program, requirements=f"torch\n{s3.PACKAGE}\n")
    lend_packages(cloud, "straight", "torch", "numpy", s3.PACKAGE.partition("==")[0])
    role = own_role(cloud)
    cloud.admin("enforce-iam", on=True)
    for name, first in (("straight-1", 1), ("straight-2", 4)):
        described = cloud.run(name, image, RoleArn=role, Environment={"SHARDYARD_RUN_ID": "logical"})
        assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
        assert cloud.lines(name)["algo-1"][0] == "29"
        assert cloud.lines(name)["algo-1"][-1] == f"began at {first}"
    forbidden = program.replace("checkpoints/job/", "checkpoints/other/")
    image = cloud.image("forbidden", forbidden, requirements=f"torch\n{s3.PACKAGE}\n")
    assert cloud.run("forbidden", image, RoleArn=role)["TrainingJobStatus"] == "Failed"
    assert any("s3://training-bucket/checkpoints/other/" in line for line in cloud.lines("forbidden")["algo-1"])
    assert "is not authorized to perform: s3:ListBucket" in cloud.lines("forbidden")["algo-1"][-1]
