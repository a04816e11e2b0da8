"""Spark over one node and over two, one processor each: the same program on the same events, in turn."""

import json
import os
import random
import tempfile
import textwrap
from pathlib import Path

from benchmarks._report import Figure
from tests.support.clouds.processing_cloud import ProcessingCloud, processing_cloud, source
from tests.support.clouds.training_cloud import MANIFEST, ROOT

ROUNDS = int(os.environ.get("BENCH_SPARK_ROUNDS", "3"))
FILES, ROWS = 8, 240_000
_DRAWN = 30_000
"""Rows that are drawn for each file; the others repeat them, which costs Spark as much and the benchmark less."""
NOTES = (
    f"{FILES * ROWS:,} events as CSV, joined with their users, with a window per user and sums per day; one executor "
    f"with one core per node. The best of {ROUNDS} passes of the same program, the first of which warms Java up."
)
PROGRAM = f"""
    import json, time
    from pyspark.sql import SparkSession, Window
    from pyspark.sql import functions as F

    spark = SparkSession.builder.appName("events").getOrCreate()
    schema = "user INT, day INT, kind STRING, amount DOUBLE"
    users = spark.range(2000).select(F.col("id").cast("int").alias("user"), (F.col("id") % 7).alias("team"))

    def once():
        began = time.monotonic()
        rows = spark.read.schema(schema).csv("/opt/ml/processing/input/events").join(F.broadcast(users), "user")
        order = Window.partitionBy("user").orderBy("day", "amount")
        more = rows.withColumn("before", F.lag("amount").over(order)).withColumn("rank", F.row_number().over(order))
        digest = more.withColumn("hash", F.sha2(F.concat_ws(",", "user", "day", "kind", "amount", "rank"), 512))
        sums = digest.groupBy("team", "day", "kind").agg(F.sum("amount"), F.avg("before"), F.max("hash"))
        count = len(sums.collect())
        return time.monotonic() - began, count

    passes = [once() for _ in range(1 + {ROUNDS})]
    said = dict(seconds=min(seconds for seconds, _ in passes[1:]), groups=passes[-1][1])
    open("/opt/ml/output/message", "w").write(json.dumps(said))
"""


def figures() -> list[Figure]:
    """Both sizes, in one cloud with the project's own images."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    with tempfile.TemporaryDirectory() as folder, processing_cloud(Path(folder), cache) as cloud:
        cloud.admin("settings", project_root=str(ROOT))
        ecr = cloud.client("ecr")
        ecr.create_repository(repositoryName="test/spark")
        ecr.put_image(repositoryName="test/spark", imageManifest=json.dumps(MANIFEST), imageTag="1")
        _put_events(cloud)
        one, two = (_seconds(cloud, count) for count in (1, 2))
    assert one["groups"] == two["groups"], "both counted the same events"
    speed = one["seconds"] / two["seconds"]
    return [
        Figure(name="one node", value=FILES * ROWS / one["seconds"], unit="events/s"),
        Figure(name="two nodes", value=FILES * ROWS / two["seconds"], unit="events/s"),
        Figure(name="two nodes' throughput over one's", value=speed, unit="times", at_least=1.5),
    ]


def _put_events(cloud: ProcessingCloud) -> None:
    draw = random.Random(1)
    kinds = ("view", "cart", "buy")
    for number in range(FILES):
        lines = [
            f"{draw.randrange(2000)},{draw.randrange(30)},{draw.choice(kinds)},{draw.random() * 100:.2f}"
            for _ in range(_DRAWN)
        ]
        cloud.put(f"events/{number}.csv", "\n".join(lines * (ROWS // _DRAWN)))


def _seconds(cloud: ProcessingCloud, count: int) -> dict[str, float]:
    name = f"events-on-{count}"
    cloud.put(f"code/{name}/app.py", textwrap.dedent(PROGRAM))
    own = {"spark.cores.max": str(count), "spark.executor.cores": "1", "spark.executor.memory": "2g"}
    # the same plan on both: as many partitions as two nodes work off in whole turns
    own |= {"spark.sql.shuffle.partitions": "8", "spark.sql.adaptive.enabled": "false"}
    conf = [{"Classification": "spark-defaults", "Properties": own}]
    cloud.put(f"conf/{name}/configuration.json", json.dumps(conf))
    cloud.create(
        name,
        cloud.uri("spark"),
        ProcessingInputs=[
            source("events", "events/"),
            source("code", f"code/{name}/app.py"),
            source("conf", f"conf/{name}/configuration.json"),
        ],
        AppSpecification__ContainerEntrypoint=["smspark-submit", "/opt/ml/processing/input/code/app.py"],
        ProcessingResources__ClusterConfig__InstanceCount=count,
        StoppingCondition__MaxRuntimeInSeconds=1200,
    )
    described = cloud.finished(name, 1200)
    assert described["ProcessingJobStatus"] == "Completed", cloud.lines(name)
    said: dict[str, float] = json.loads(described["ExitMessage"])
    return said
