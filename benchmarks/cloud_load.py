"""The embedded cloud under load: what signatures cost, fifty clients, a bucket of 100,000 keys, 200 executions at once
of a job that the preflight refuses, and what ten demos in a row leave in its memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks._report import Figure, report
from benchmarks.embedded_cloud import memory, whole_environment
from embedded import lifecycle

ROOT = Path(__file__).parent.parent
KEYS = int(os.environ.get("BENCH_CLOUD_KEYS", "100000"))
DEMOS = int(os.environ.get("BENCH_CLOUD_DEMOS", "10"))
EXECUTIONS = int(os.environ.get("BENCH_CLOUD_EXECUTIONS", "200"))
CLIENTS, CALLS = 50, 120
SIGNED_CALLS = 600
BEFORE_SECONDS = 52.0
"""What 200 executions took on 2026-11-28."""
JOB = "mnist-ddp"


def main() -> int:
    """Measure in fresh clouds and report; without any demo, these are left out."""
    with tempfile.TemporaryDirectory() as folder:
        figures = [*signatures(Path(folder) / "signatures")]
        with cloud(Path(folder) / "load") as running:
            figures += [*clients(running), *many_keys(running)]
        with cloud(Path(folder) / "executions") as running:
            figures += executions(running, Path(folder) / "executions", Path(folder) / "cdk.out")
    if DEMOS:
        figures += demos()
    notes = f"{KEYS} keys; {CLIENTS} clients with {CALLS} calls each; {EXECUTIONS} executions; {DEMOS} demos"
    return report("cloud_load", figures, notes=notes)


@contextmanager
def cloud(folder: Path) -> Iterator[lifecycle.CloudState]:
    """A cloud of its own."""
    running = lifecycle.up(folder, project=ROOT)
    try:
        yield running
    finally:
        lifecycle.down(folder)


def client(running: lifecycle.CloudState, service: str) -> Any:
    """A client as the account's root."""
    return boto3.client(
        service,
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key=running.secret,
        config=Config(max_pool_connections=CLIENTS, retries={"total_max_attempts": 1}, read_timeout=120),
    )


def signatures(folder: Path) -> list[Figure]:
    """The part of a request's time, from its arrival to its answer, that reading and verifying its signature takes."""
    os.environ["YARD_CLOUD_FOLDER"] = str(folder)
    from embedded import front
    from embedded.access import authentication
    from tests.support.cloud.in_process import Account, running_cloud

    spent = {"signature": 0.0, "request": 0.0}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] += time.perf_counter() - began

        return measured

    shares = {}
    with running_cloud() as endpoint:
        account = Account(endpoint)
        account.client("s3").create_bucket(Bucket="signed")
        account.client("ssm").put_parameter(Name="signed", Value="x", Type="String")
        kept = authentication.claim_of, authentication.authenticate, front.Front._answer
        authentication.claim_of = timed("signature", kept[0])
        authentication.authenticate = timed("signature", kept[1])
        front.Front._answer = timed("request", kept[2])  # type: ignore[method-assign]
        ways: dict[str, Callable[[], object]] = {
            "a parameter is read": lambda: account.client("ssm").get_parameter(Name="signed"),
            "a small object is put": lambda: account.client("s3").put_object(
                Bucket="signed", Key="k", Body=b"x" * 1000
            ),
        }
        for name, way in ways.items():
            way()
            spent.update(signature=0.0, request=0.0)
            for _ in range(SIGNED_CALLS):
                way()
            shares[name] = 100 * spent["signature"] / spent["request"]
        authentication.claim_of, authentication.authenticate, front.Front._answer = kept  # type: ignore[method-assign]
    return [
        Figure(name=f"signature's part of a request: {name}", value=share, unit="%", at_most=5)
        for name, share in shares.items()
    ]


def clients(running: lifecycle.CloudState) -> list[Figure]:
    """Fifty clients at once, each with its own calls to three services."""
    s3, ssm, sqs = (client(running, name) for name in ("s3", "ssm", "sqs"))
    s3.create_bucket(Bucket="crowd")
    ssm.put_parameter(Name="crowd", Value="x", Type="String")
    url = sqs.create_queue(QueueName="crowd")["QueueUrl"]
    calls: list[Callable[[int, int], object]] = [
        lambda who, number: s3.put_object(Bucket="crowd", Key=f"{who}/{number}", Body=b"x" * 1000),
        lambda who, number: ssm.get_parameter(Name="crowd"),
        lambda who, number: sqs.send_message(QueueUrl=url, MessageBody=str(number)),
    ]

    def one(who: int) -> tuple[list[float], int]:
        took, errors = [], 0
        for number in range(CALLS):
            began = time.perf_counter()
            try:
                calls[number % len(calls)](who, number)
            except Exception as error:
                print(f"client {who}: {error}", file=sys.stderr)
                errors += 1
            took.append(time.perf_counter() - began)
        return took, errors

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(one, range(CLIENTS)))
    seconds = time.monotonic() - began
    times = sorted(time for took, _ in answers for time in took)
    there = sum(len(page.get("Contents", [])) for page in s3.get_paginator("list_objects_v2").paginate(Bucket="crowd"))
    return [
        Figure(name="50 clients: calls a second", value=len(times) / seconds, unit="1/s"),
        Figure(name="50 clients: slowest of a hundred", value=times[int(len(times) * 0.99)], unit="s"),
        Figure(name="50 clients: errors", value=sum(errors for _, errors in answers), unit="calls", at_most=0),
        Figure(name="50 clients: objects that are not there", value=CLIENTS * CALLS / 3 - there, unit="", at_most=0),
    ]


def many_keys(running: lifecycle.CloudState) -> list[Figure]:
    """A bucket that fills: a put must cost at the end what it cost at the beginning, and a listing goes by pages."""
    s3 = client(running, "s3")
    s3.create_bucket(Bucket="many")
    before = memory(running)
    sample = max(KEYS // 100, 50)

    def put(number: int) -> float:
        began = time.perf_counter()
        s3.put_object(Bucket="many", Key=f"{number % 100:02d}/{number:06d}", Body=b"x")
        return time.perf_counter() - began

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(put, range(sample)))
        list(pool.map(put, range(sample, KEYS - sample)))
        last = list(pool.map(put, range(KEYS - sample, KEYS)))
    pages, began = [], time.perf_counter()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="many"):
        pages.append(time.perf_counter() - began)
        if len(pages) * 1000 <= KEYS and len(page["Contents"]) != 1000:
            raise SystemExit(f"page {len(pages)} has {len(page['Contents'])} keys")
        began = time.perf_counter()
    began = time.perf_counter()
    found = s3.list_objects_v2(Bucket="many", Prefix="42/", MaxKeys=10)["KeyCount"]
    by_prefix = time.perf_counter() - began
    if found != min(10, KEYS // 100):
        raise SystemExit(f"{found} keys under a prefix")
    slowdown = statistics.median(last) / statistics.median(first)
    return [
        Figure(name="many keys: the last puts / the first", value=slowdown, unit="ratio", at_most=1.5),
        Figure(name="many keys: a page of a listing", value=statistics.median(pages), unit="s", at_most=0.5),
        Figure(name="many keys: the whole listing", value=sum(pages), unit="s"),
        Figure(name="many keys: ten keys of a prefix", value=by_prefix, unit="s", at_most=0.5),
        Figure(name="many keys: memory of 1,000", value=(memory(running) - before) * 1000 / KEYS, unit="MB"),
    ]


def executions(running: lifecycle.CloudState, folder: Path, assembly: Path) -> list[Figure]:
    """Executions of a deployed job at once, each refused by its preflight: functions run, and nothing trains."""
    environment = whole_environment(running, folder)
    for arguments in (
        ("bootstrap", "aws://123456789012/us-east-1"),
        (
            "deploy",
            "--all",
            "--app",
            f"{sys.executable} app.py",
            "--output",
            str(assembly),
            "--require-approval",
            "never",
        ),
    ):
        subprocess.run(["npx", "cdk", *arguments], cwd=ROOT, env=environment, capture_output=True, check=True)
    states = client(running, "stepfunctions")
    machines = [one for page in states.get_paginator("list_state_machines").paginate() for one in page["stateMachines"]]
    machine = next(one["stateMachineArn"] for one in machines if one["name"].endswith(JOB))
    refused = json.dumps({"no_such_value": 1})
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        arns = list(
            pool.map(
                lambda _: states.start_execution(stateMachineArn=machine, input=refused)["executionArn"],
                range(EXECUTIONS),
            )
        )
    ended: set[str] = set()
    while len(ended) < EXECUTIONS and time.monotonic() - began < 10 * BEFORE_SECONDS:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        ended = {one["executionArn"] for page in pages for one in page["executions"] if one["status"] != "RUNNING"}
        time.sleep(0.5)
    limit = BEFORE_SECONDS / 3 if EXECUTIONS == 200 else None
    return [
        Figure(
            name="executions at once: until all have ended", value=time.monotonic() - began, unit="s", at_most=limit
        ),
        Figure(name="executions at once: lost", value=EXECUTIONS - len(ended & set(arns)), unit="", at_most=0),
        Figure(name="executions at once: memory of the cloud", value=memory(running), unit="MB"),
    ]


def demos() -> list[Figure]:
    """`make demo` again and again in one cloud; the first ones fill caches that do not grow any more."""
    folder = ROOT / lifecycle.DEFAULT_FOLDER
    if lifecycle.status(folder) is not None:
        raise SystemExit("a cloud of this project runs: yard cloud down")
    after: list[float] = []
    try:
        lifecycle.up(folder, project=ROOT, fresh=True)
        for number in range(DEMOS):
            done = subprocess.run([sys.executable, "-m", "yard.demo"], cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
            running = lifecycle.status(folder)
            assert running is not None
            after.append(memory(running))
            print(f"after demo {number + 1}: {after[-1]:.0f} MB", file=sys.stderr)
    finally:
        lifecycle.down(folder)
    settled = after[min(2, len(after) - 1) :]
    growth = (settled[-1] - settled[0]) / max(1, len(settled) - 1)
    return [
        Figure(name="memory after the last demo", value=after[-1], unit="MB", at_most=400),
        Figure(name="growth a demo, from the third one on", value=growth, unit="MB", at_most=5),
    ]


if __name__ == "__main__":
    sys.exit(main())
