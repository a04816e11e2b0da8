"""What an interrupted program has saved is in S3 when its instance is gone, also where nobody else brings it there."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from contract.images import VERSIONS_LINE
from contract.saves import FILES_AT_START_LINE
from tests.support.cloud.lent_packages import lend_packages
from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, wait_until
from tests.support.clouds.training_programs import spot, statuses

PLACE = f"s3://{BUCKET}/saves"
SAVES = """
import os, signal, sys, time
rank, root = os.environ.get("RANK", "0"), "/opt/ml/checkpoints"
open(f"{root}/early-{rank}", "w").write("early")
def stop(*_):
    open(f"{root}/late-{rank}", "w").write("late")
    sys.exit(int(os.environ.get("CODE", "75")))
signal.signal(signal.SIGTERM, stop)
print("ready", rank, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def long_grace(cloud: TrainingCloud) -> None:
    """The launcher reckons with SageMaker's own grace; and no copy comes in time."""
    cloud.admin("settings", stop_grace_seconds=60, checkpoint_seconds=1000)


@pytest.fixture(autouse=True)
def pessimistic(cloud: TrainingCloud) -> Iterator[None]:
    cloud.admin("weather", preset="pessimistic")
    yield
    cloud.admin("weather", preset="fair")


@pytest.fixture(scope="module")
def image(cloud: TrainingCloud) -> str:
    """An image with the launcher, and with boto3 as ours and AWS's own have it."""
    uri = cloud.image("saves", SAVES, requirements="boto3\n")
    lend_packages(cloud, "saves", "boto3")
    return uri


def create(
    cloud: TrainingCloud,
    name: str,
    image: str,
    *,
    launcher: str = "plain",
    nodes: int = 1,
    place: str | None = None,
    is_spot: bool = False,
    **more: str,
) -> str:
    """Start the launcher; returns where its checkpoints go."""
    place = f"{PLACE}/{name}/" if place is None else place
    environment = {
        "SHARDYARD_ENTRY": "/opt/program/run.py",
        "SHARDYARD_LAUNCHER": launcher,
        "SHARDYARD_CHECKPOINT_S3": place,
        **more,
    }
    times = {"MaxRuntimeInSeconds": 280, "MaxWaitTimeInSeconds": 300}
    algorithm: dict[str, Any] = {"TrainingImage": image, "TrainingInputMode": "File"}
    algorithm["ContainerEntrypoint"] = ["python", "-m", "training.launcher", "train"]
    cloud.create(
        name,
        image,
        AlgorithmSpecification=algorithm,
        CheckpointConfig={"S3Uri": place},
        Environment={name: value for name, value in environment.items() if value},
        ResourceConfig__InstanceCount=nodes,
        **(spot(StoppingCondition=times) if is_spot else {}),
    )
    return f"saves/{name}/"


def stopped(cloud: TrainingCloud, name: str, *ready: str) -> list[str]:
    """Stop a job that has said that it is ready; what the first host's launcher says."""
    for line in ready:
        cloud.wait_for_line(name, line)
    cloud.client("sagemaker").stop_training_job(TrainingJobName=name)
    cloud.finished(name, 60)
    return said_of(cloud, name)["algo-1"]


def said_of(cloud: TrainingCloud, name: str) -> dict[str, list[str]]:
    """What the launchers say after what they found in the checkpoint folder and in the image, by host."""
    at_start = (FILES_AT_START_LINE, VERSIONS_LINE)
    return {
        host: [line for line in lines if line.startswith("launcher: ") and not line.startswith(at_start)]
        for host, lines in cloud.lines(name).items()
    }


@pytest.mark.parametrize(("launcher", "nodes"), [("plain", 1), pytest.param("mpirun", 2, marks=pytest.mark.slow)])
def test_what_is_saved_on_sigterm_is_in_s3_though_nobody_else_brings_it(
    cloud: TrainingCloud, image: str, launcher: str, nodes: int
) -> None:
    prefix = create(cloud, f"all-{launcher}", image, launcher=launcher, nodes=nodes)
    ready = ["ready 0"] if nodes == 1 else [f"[rank {rank}] ready {rank}" for rank in range(nodes)]
    (last,) = stopped(cloud, f"all-{launcher}", *ready)
    assert last.endswith("; what S3 lacked was sent to it; exit 75")
    assert cloud.keys(prefix) == sorted(f"{prefix}{when}-{rank}" for when in ("early", "late") for rank in range(nodes))


def test_a_save_that_may_not_be_written_is_no_75(cloud: TrainingCloud, image: str) -> None:
    prefix = create(cloud, "elsewhere", image, SHARDYARD_CHECKPOINT_S3="s3://no-such-bucket-here/x/")
    (last,) = stopped(cloud, "elsewhere", "ready 0")
    assert last.startswith("launcher: the program saved and ended, but its save is not known to be in S3: ")
    assert "NoSuchBucket" in last and cloud.keys(prefix) == []


def test_a_save_without_a_place_is_no_75(cloud: TrainingCloud, image: str) -> None:
    create(cloud, "placeless", image, SHARDYARD_CHECKPOINT_S3="")
    (last,) = stopped(cloud, "placeless", "ready 0")
    assert "its save is not known to be in S3: SHARDYARD_CHECKPOINT_S3 names no place for /opt/ml/checkpoints" in last


def test_an_image_without_boto3_says_so(cloud: TrainingCloud) -> None:
    uri = cloud.image("bare", SAVES, requirements="# nothing\nnone\n")
    lend_packages(cloud, "bare")
    create(cloud, "bare", uri)
    (last,) = stopped(cloud, "bare", "ready 0")
    assert "is not known to be in S3: the image has no boto3" in last


def test_what_a_failing_program_had_saved_is_in_s3_as_well(cloud: TrainingCloud) -> None:
    program = """
        open("/opt/ml/checkpoints/state", "w").write("x")
        raise ValueError("bad thing")
    """
    uri = cloud.image("fails", program, requirements="boto3\n# fails\n")
    prefix = create(cloud, "fails", uri)
    described = cloud.finished("fails", 60)
    assert described["FailureReason"].startswith("AlgorithmError: the program on algo-1 failed: ValueError: bad thing")
    assert cloud.keys(prefix) == [f"{prefix}state"]


CHECKPOINTING = """
import time, torch
from training.pytorch.checkpoint import Checkpointer
from training.pytorch.process_group import connect
with connect() as ranks:
    net = torch.nn.Linear(64, 64)
    saved = Checkpointer(model=net, optimizer=torch.optim.AdamW(net.parameters()), ranks=ranks, every_steps=2)
    with saved:
        start = saved.restore()
        print("from", start, flush=True)
        for step in range(start + 1, 100_000):
            time.sleep(0.05)
            if step % 10 == 0:
                print("step", step, flush=True)
            saved.after_step(step)
"""


def launcher_lines(cloud: TrainingCloud, name: str, words: str) -> list[str]:
    """What the launchers of all hosts have said with these words in it."""
    return [line for lines in cloud.lines(name).values() for line in lines if "launcher: " in line and words in line]


def begun(cloud: TrainingCloud, name: str) -> list[int]:
    """The steps from which the latest attempt of a job has gone on, once it has said so."""
    lines = cloud.lines(name).get("algo-1", [])
    return [int(line.split()[-1]) for line in lines if "] from " in line]


def saves_in_s3(cloud: TrainingCloud) -> Counter[int]:
    """How many files S3 has of each step's save."""
    keys = [key.split("/") for key in cloud.keys("saves/logical/logical/") if "/step-" in key]
    return Counter(int(parts[3].split("-")[1]) for parts in keys)


@pytest.mark.e2e
def test_two_nodes_go_on_from_the_step_of_their_interruption_or_from_what_s3_had(cloud: TrainingCloud) -> None:
    """The saves are copied more slowly than they are written, deletions are carried over, and there is no last copy."""
    cloud.admin("settings", checkpoint_seconds=0.2)
    cloud.admin("weather", upload_bytes_per_second=100_000, spot_notice="sigterm")
    uri = cloud.image("checkpointing", CHECKPOINTING, requirements="boto3\ntorch\n")
    lend_packages(cloud, "checkpointing", "boto3", "torch", "numpy")
    run = {"SHARDYARD_RUN_ID": "logical", "SHARDYARD_PROCESSES_PER_NODE": "1"}
    more: dict[str, Any] = {"nodes": 2, "launcher": "torchrun", "place": f"{PLACE}/logical", "is_spot": True}
    create(cloud, "told", uri, **more, **run)
    cloud.wait_for_line("told", "[rank 0] step 60", seconds=120)
    cloud.client("sagemaker").stop_training_job(TrainingJobName="told")
    cloud.finished("told", 90)
    said = [line for lines in said_of(cloud, "told").values() for line in lines]
    # who ends first has seen every node's part in S3; the service may end the others before they say so
    assert said and all(line.endswith("exit 75") for line in said), said
    last = max(saves_in_s3(cloud))
    whole = saves_in_s3(cloud)[last]

    create(cloud, "untold", uri, **more, **run)
    cloud.wait_for_line("untold", f"[rank 0] from {last}", seconds=60)
    wait_until(lambda: any(s > last and n >= whole for s, n in saves_in_s3(cloud).items()), 120, "a later whole save")
    cloud.admin("weather", spot_notice="none")
    cloud.admin("interrupt", job="untold")
    wait_until(lambda: statuses(cloud.describe("untold")).count("Training") == 2, 60, "the second attempt")
    wait_until(lambda: begun(cloud, "untold"), 60, "its first line")
    assert begun(cloud, "untold")[0] > last, "nobody was asked to save, and a later save had come to S3 whole"
    cloud.client("sagemaker").stop_training_job(TrainingJobName="untold")
    cloud.finished("untold", 90)
