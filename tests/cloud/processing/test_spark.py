"""Spark on the embedded cloud: a real cluster over the job's nodes, by the command line of AWS's container."""

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clouds.processing_cloud import ProcessingCloud, processing_cloud, result, source
from tests.support.clouds.training_cloud import MANIFEST, REGION, ROOT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java (Debian: default-jre-headless)"),
]

COUNT = """
    import socket, sys
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F
    import helper

    spark = SparkSession.builder.appName("count").getOrCreate()
    rows = spark.read.option("header", True).option("inferSchema", True).csv("/opt/ml/processing/input/events")
    counted = rows.groupBy("user").agg(F.sum("amount").alias("total"))
    counted.repartition(4).write.parquet("/opt/ml/processing/output/features/totals")
    where = spark.sparkContext.parallelize(range(8), 8).map(lambda _: __import__("socket").gethostname()).distinct()
    with open("/opt/ml/output/message", "w") as file:
        file.write(f"{helper.GREETING} {rows.count()} rows, {sys.argv[1:]}, {sorted(where.collect())}, ")
        file.write(spark.conf.get("spark.app.note"))
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessingCloud]:
    """With our own project's images, and with their environments that are there already."""
    kept = os.environ.get("XDG_CACHE_HOME")
    with processing_cloud(tmp_path_factory.mktemp("cloud"), cache=kept or os.path.expanduser("~/.cache")) as running:
        running.admin("settings", project_root=str(ROOT))
        ecr = running.client("ecr")
        ecr.create_repository(repositoryName="test/spark")
        ecr.put_image(repositoryName="test/spark", imageManifest=json.dumps(MANIFEST), imageTag="1")
        running.put("events/a.csv", "user,amount\nann,1\nbob,2\n")
        running.put("events/b.csv", "user,amount\nann,3\n")
        running.put("py/helper.py", "GREETING = 'hello,'")
        yield running


def submit(cloud: ProcessingCloud, name: str, program: str, *options: str, count: int = 2) -> dict[str, Any]:
    """Submit a program as the SDK's PySparkProcessor does."""
    cloud.put(f"code/{name}/app.py", textwrap.dedent(program))
    conf = [{"Classification": "spark-defaults", "Properties": {"spark.app.note": "configured"}}]
    cloud.put(f"conf/{name}/configuration.json", json.dumps(conf))
    inputs = [
        source("events", "events/"),
        source("code", f"code/{name}/app.py"),
        source("py-files", "py/"),
        source("conf", f"conf/{name}/configuration.json"),
    ]
    outputs = [result("features", f"{name}/features"), result("history", f"{name}/history", "Continuous")]
    outputs[1]["S3Output"]["LocalPath"] = "/opt/ml/processing/spark-events/"
    cloud.create(
        name,
        cloud.uri("spark"),
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": outputs},
        AppSpecification__ContainerEntrypoint=["smspark-submit", *options, "/opt/ml/processing/input/code/app.py"],
        AppSpecification__ContainerArguments=["--days", "7"],
        ProcessingResources__ClusterConfig__InstanceCount=count,
        StoppingCondition__MaxRuntimeInSeconds=600,
    )
    return cloud.finished(name, 600)


def test_a_program_runs_on_all_nodes_and_leaves_its_history(cloud: ProcessingCloud) -> None:
    options = ("--py-files", "/opt/ml/processing/input/py-files")
    events = ("--local-spark-event-logs-dir", "/opt/ml/processing/spark-events/")
    described = submit(cloud, "counts", COUNT, *options, *events)
    lines = cloud.lines("counts")
    assert described["ProcessingJobStatus"] == "Completed", lines
    said = described["ExitMessage"]
    assert said == "hello, 3 rows, ['--days', '7'], ['algo-1', 'algo-2'], configured"
    parts = [key for key in cloud.keys("counts/features/totals/") if key.endswith(".parquet")]
    assert len(parts) >= 2, "each task leaves its own file, on whichever node it ran"
    (log,) = [key for key in cloud.keys("counts/history/") if not key.rsplit("/", 1)[1].startswith(".")]
    recorded = [json.loads(line)["Event"] for line in cloud.get(log).splitlines()]
    assert recorded[-1] == "SparkListenerApplicationEnd"
    assert recorded.count("SparkListenerExecutorAdded") == 2
    assert any("the primary is done" in line for line in lines["algo-2"])


def test_a_program_that_fails_fails_the_job_with_its_message(cloud: ProcessingCloud) -> None:
    described = submit(cloud, "raises", "raise ValueError('no such column')", count=1)
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert described["ExitMessage"] == "Algorithm Error: spark-submit of app.py ended with 1"
    assert any("no such column" in line for line in cloud.lines("raises")["algo-1"])


def test_a_wrong_option_is_named_before_anything_starts(cloud: ProcessingCloud) -> None:
    described = submit(cloud, "wrong", "", "--jars", "/opt/ml/processing/input/jars", count=1)
    assert described["ExitMessage"] == (
        "Algorithm Error: --jars /opt/ml/processing/input/jars is not there: is it an input of the job?"
    )


def test_its_history_can_be_opened(cloud: ProcessingCloud) -> None:
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": cloud.state.secret,
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_DEFAULT_REGION": REGION,
    }
    command = [sys.executable, "-m", "yard.main", "spark-ui", "counts", "--json", "--port", str(free_port())]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["job"] == "counts"
    assert [(one["name"], one["attempts"][0]["completed"]) for one in told["applications"]] == [("count", True)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
