"""The `yard` command: how fast it starts, checks, follows and uploads, and what watching costs.

The embedded cloud stands in for AWS, and a scripted training job for a real one: what is measured is the command.
Each start is the fastest of several, since a busy machine only ever adds time. The two uploads take turns in one run.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._report import Figure, report
from embedded import lifecycle

ROOT = Path(__file__).parent.parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
FILES = int(os.environ.get("BENCH_FILES", "10000"))
FILE_BYTES = 4096
BUCKET = "bench"
WATCHED_LOOKS = 60
LINES = 10


def environment(**more: str) -> dict[str, str]:
    """This process's environment without AWS variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "constructs"))), **more}


def fastest(command: list[str], folder: Path) -> tuple[float, float]:
    """The least time of several runs, on the clock and of the processor."""
    taken, worked = [], []
    for _ in range(ROUNDS):
        before, began = _processor(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
        worked.append(_processor(resource.RUSAGE_CHILDREN) - before)
    return min(taken), min(worked)


def hundred_jobs(folder: Path) -> Path:
    """A project with a hundred jobs."""
    (folder / "jobs").mkdir(parents=True)
    shutil.copy(ROOT / "cdk.json", folder)
    for name in ("containers", "contract", "serving", "training"):  # what the jobs name must be there
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "jobs/mnist-ddp.toml").read_text(encoding="utf-8")
    for number in range(100):
        # A stack has room for some forty jobs
        (folder / f"jobs/job-{number:02}.toml").write_text(f'stack = "part-{number // 25}"\n{text}', encoding="utf-8")
    return folder


class Scripted:
    """Stands in for the services: an endless run on eight nodes, each printing a line per second."""

    def __init__(self) -> None:
        self.looks = 0

    def client(self, service: str) -> "Scripted":
        return self

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        status = "RUNNING" if self.looks < WATCHED_LOOKS else "SUCCEEDED"
        return {"status": status, "startDate": datetime.now(UTC)}

    def describe_training_job(self, **_: Any) -> dict[str, Any]:
        resources = {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 8}
        return {
            "TrainingJobName": "job-1",
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Training",
            "AlgorithmSpecification": {},
            "TrainingStartTime": datetime.now(UTC),
            "ResourceConfig": resources,
        }

    def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        return {"MetricDataResults": [{"Id": query["Id"], "Values": [50.0]} for query in MetricDataQueries]}

    def get_paginator(self, operation: str) -> Any:
        @dataclass
        class Pages:
            owner: Scripted

            def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
                if operation == "list_training_jobs":
                    yield {"TrainingJobSummaries": [{"TrainingJobName": "job-r-1"}]}
                else:
                    self.owner.looks += 1
                    yield {"events": [_event(host, self.owner.looks) for host in range(1, 9)]}

        return Pages(self)


def _event(host: int, step: int) -> dict[str, Any]:
    text = f"[rank {host}] metric step={step} total_steps=100000 loss=2.5 tokens_per_second=8113.2"
    stream, at = f"job-r-1/algo-{host}-1", int(time.time() * 1000)
    return {"eventId": f"{host}-{step}", "timestamp": at, "logStreamName": stream, "message": text}


def view_share() -> float:
    """The fraction of a core that listening and drawing take, on a clock that does not wait."""
    from rich.console import Console
    from rich.live import Live

    from yard.runs import follow, picture, runs
    from yard.runs import view as views
    from yard.runs.logs import Tail

    aws: Any = Scripted()
    run = runs.Run(
        job="gpt", run_id="r", execution_arn="arn", status="RUNNING", started=datetime.now(UTC), stopped=None
    )
    view, slept = views.View(job="gpt", run_id="r", region="us-east-1"), [0.0]
    sleep, follow.time.sleep = time.sleep, lambda seconds: slept.__setitem__(0, slept[0] + seconds)
    before = _processor()
    try:
        with open(os.devnull, "w") as nowhere:
            screen = Console(file=nowhere, force_terminal=True, width=120, height=40)
            with Live(console=screen, auto_refresh=False) as live:
                draw = lambda: live.update(picture.Picture(view), refresh=True)  # noqa: E731
                follow._watch(aws, run, view, Tail(aws, "r"), on_look=draw)
    finally:
        follow.time.sleep = sleep
    return (_processor() - before) / slept[0]


def calls_share(cloud: lifecycle.CloudState) -> float:
    """Processor seconds per second of watching: one call for the lines, and half of each other call."""
    logs, sagemaker, states = (_client(cloud, name) for name in ("logs", "sagemaker", "stepfunctions"))
    logs.create_log_group(logGroupName="/bench")
    logs.filter_log_events(logGroupName="/bench")
    sagemaker.list_training_jobs()
    states.list_state_machines()
    before = _processor()
    for look in range(WATCHED_LOOKS):
        logs.filter_log_events(logGroupName="/bench")
        if look % 2 == 0:
            states.list_state_machines()
            sagemaker.list_training_jobs()
            sagemaker.list_training_jobs()  # stands in for describing one, which costs about the same
    return (_processor() - before) / WATCHED_LOOKS


def _processor(whose: int = resource.RUSAGE_SELF) -> float:
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def _client(cloud: lifecycle.CloudState, service: str) -> Any:
    import boto3

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": cloud.secret}
    return boto3.client(service, region_name="us-east-1", endpoint_url=cloud.endpoint, **keys)


def log_delay(cloud: lifecycle.CloudState) -> float:
    """The longest time from a line's writing until a tail that polls every second has read it."""
    import threading

    from yard.runs import follow, logs

    writer = _client(cloud, "logs")
    group = logs.LOG_GROUP
    writer.create_log_group(logGroupName=group)
    writer.create_log_stream(logGroupName=group, logStreamName="slow-r-1/algo-1-1")

    def write() -> None:
        for number in range(LINES):
            at = int(time.time() * 1000)
            event = {"timestamp": at, "message": f"line {number} {time.time()}"}
            writer.put_log_events(logGroupName=group, logStreamName="slow-r-1/algo-1-1", logEvents=[event])
            time.sleep(0.73)

    aws: Any = _Only(_client(cloud, "logs"))
    tail, delays = logs.Tail(aws, "r"), list[float]()
    thread = threading.Thread(target=write)
    thread.start()
    while len(delays) < LINES:
        for line in tail.lines(["slow-r-1"]):
            delays.append(time.time() - float(line.text.rpartition(" ")[2]))
        time.sleep(follow.POLL_SECONDS)
    thread.join()
    return max(delays)


@dataclass
class _Only:
    """An account with one client."""

    one: Any

    def client(self, service: str) -> Any:
        return self.one


def uploads(cloud: lifecycle.CloudState, folder: Path) -> tuple[float, float | None]:
    """Files per second by `yard data put`'s uploader and by `aws s3 sync`, in turns; None without an aws command.

    The uploader runs in a process of its own as well, its start included, as the AWS command's is.
    """
    data = folder / "data"
    for number in range(FILES):
        path = data / f"{number % 100:02}/{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(FILE_BYTES))
    env = environment(**lifecycle.variables(cloud, folder))
    s3 = _client(cloud, "s3")
    s3.create_bucket(Bucket=BUCKET)
    ours, theirs = list[float](), list[float]()
    for turn in range(2):
        program = (
            "import sys, boto3\nfrom pathlib import Path\nfrom yard.transfer import data_folder, upload\n"
            "from yard.transfer.uploaded import Uploaded\n"
            "from yard.aws import Aws\nfrom yard.project import find_project\n"
            f"s3 = Aws(find_project(Path({str(ROOT)!r}))).client('s3')\n"
            f"bucket, prefix, uploaded = {BUCKET!r}, 'ours{turn}/', Uploaded()\n"
            f"items = upload.plan(data_folder.read(Path({str(data)!r}), prefix), prefix)\n"
            "there = upload.list_objects(s3, bucket, prefix)\n"
            "wanted = upload.missing(s3, bucket, items, there, uploaded)\n"
            "upload.send(s3, bucket, wanted, uploaded, on_file=lambda item: None)\n"
        )
        ours.append(_timed([sys.executable, "-c", program], env))
        if shutil.which("aws") is not None:
            sync = ["aws", "s3", "sync", str(data), f"s3://{BUCKET}/theirs{turn}/", "--only-show-errors"]
            theirs.append(_timed(sync, env))
    return FILES / min(ours), FILES / min(theirs) if theirs else None


def _timed(command: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    """Measure, print, write."""
    yard = [sys.executable, "-m", "yard.main"]
    with tempfile.TemporaryDirectory(prefix="shardyard-yard-") as name:
        place = Path(name)
        start = fastest([*yard, "--help"], ROOT)
        check = fastest([*yard, "check"], hundred_jobs(place / "hundred"))
        drawing = view_share()
        cloud = lifecycle.up(place / "cloud")
        try:
            calls, delay = calls_share(cloud), log_delay(cloud)
            our_rate, their_rate = uploads(cloud, place)
        finally:
            lifecycle.down(place / "cloud")
    figures = [
        Figure(name="yard --help", value=start[0], unit="s", at_most=0.15),
        Figure(name="yard --help, processor time", value=start[1], unit="s", at_most=0.4),
        Figure(name="yard check of 100 jobs", value=check[0], unit="s", at_most=1.0),
        Figure(name="yard check of 100 jobs, processor time", value=check[1], unit="s", at_most=1.0),
        Figure(
            name="live view of 8 nodes, drawing and calls", value=100 * (drawing + calls), unit="% of a core", at_most=2
        ),
        Figure(name="a line's way to a follower, the longest of ten", value=delay, unit="s", at_most=2.0),
        Figure(name=f"yard data put, {FILES} files of {FILE_BYTES} bytes", value=our_rate, unit="files/s"),
    ]
    if their_rate is not None:
        figures += [
            Figure(name="aws s3 sync of the same", value=their_rate, unit="files/s"),
            Figure(name="yard data put over aws s3 sync", value=our_rate / their_rate, unit="ratio", at_least=0.8),
        ]
    return report("yard", figures, notes="uploads to the embedded cloud, whose own speed is in both rates")


if __name__ == "__main__":
    sys.exit(main())
