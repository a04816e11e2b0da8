"""A good and a bad processing job for each rule about them, with the exact refusal."""

from typing import Any

from shardyard.spec.rules import Facts
from tests.support.spec.rule_cases import Case

BASE: dict[str, Any] = {
    "name": "prepare",
    "kind": "processing",
    "image": {"folder": "pytorch"},
    "program": {"entry": "training.processing.digits"},
    "compute": {"instance_type": "ml.m5.large"},
}
SPARK = {"program": None, "source": {"dir": "code"}, "spark": {"application": "events.py"}}
ATHENA = {"database": "d", "query": "select 1"}


def _inputs(**fields: Any) -> dict[str, Any]:
    return {"inputs": {"raw": {"s3": "digits/raw/", **fields}}}


def _outputs(**fields: Any) -> dict[str, Any]:
    return {"outputs": {"out": fields}}


PROCESSING = [
    Case(
        rule="processing-type-exists",
        good={"compute": {"instance_type": "ml.t3.medium"}},
        bad={"compute": {"instance_type": "ml.p4d.24xlarge"}},
        says="compute.instance_type: 'ml.p4d.24xlarge' is no processing instance type of 2026-11-30; did you mean "
        "'ml.r5d.24xlarge'?",
    ),
    Case(
        rule="processing-instance-count",
        good={"compute": {"count": 100}},
        bad={"compute": {"count": 101}},
        says="compute: 101 instances are not allowed (100 or fewer)",
    ),
    Case(
        rule="processing-preferences",
        good={
            "compute": {
                "instance_type": None,
                "preferences": [{"instance_type": "ml.m5.large"}, {"instance_type": "ml.m6i.large"}],
            }
        },
        bad={
            "compute": {
                "instance_type": None,
                "preferences": [{"instance_type": "ml.m5.large"}, {"instance_type": "ml.m5.large"}],
            }
        },
        says="compute.preferences: ml.m5.large is named twice (each type once)",
    ),
    Case(
        rule="processing-runtime",
        good={"limits": {"max_runtime": "9d"}},
        bad={"limits": {"max_runtime": "10d"}},
        says="limits.max_runtime: 10d is not allowed (9d or less)",
    ),
    Case(
        rule="processing-image",
        good={"image": {"folder": None, "repository": "own", "tag": "1"}},
        bad={"image": {"access": "Vpc"}},
        says="image.access: it is for training jobs only (remove it; give folder, repository or framework)",
    ),
    Case(
        rule="processing-image",
        bad={"image": {"folder": None, "builtin": "xgboost"}, "program": None},
        says="image.builtin: it is for training jobs only (remove it; give folder, repository or framework)",
    ),
    Case(
        rule="processing-has-program",
        good=SPARK,
        bad={"program": None},
        says='program: missing; say what to run: [program] entry = "prepare.py", or [spark] application = "events.py"',
    ),
    Case(
        rule="processing-runs-one-thing",
        good={"image": {"folder": None, "repository": "own", "tag": "1", "arguments": ["x"]}, "program": None},
        bad={**SPARK, "program": {"entry": "training.processing.digits"}},
        says="spark: the job has a [program] too (remove one of the two)",
    ),
    Case(
        rule="processing-script-has-source",
        good={"program": {"entry": "prepare.py"}, "source": {"dir": "code"}},
        bad={"program": {"entry": "prepare.py"}},
        says="program.entry: prepare.py is a script, and no [source] dir holds it (or name a module of the image)",
    ),
    Case(
        rule="spark-names-inputs",
        good={**SPARK, **_inputs(), "spark": {"application": "events.py", "jars": ["raw"]}},
        bad={**SPARK, **_inputs(), "spark": {"application": "events.py", "jars": ["rwa"]}},
        says="spark.jars: 'rwa' is no input of the job; did you mean 'raw'?",
    ),
    Case(
        rule="spark-main-class",
        good={**SPARK, "spark": {"application": "events.jar", "main_class": "com.example.Main"}},
        bad={**SPARK, "spark": {"application": "events.jar"}},
        says="spark.main_class: missing; say which class of events.jar to start",
    ),
    Case(
        rule="processing-command-lengths",
        good={"program": {"arguments": ["x" * 256]}},
        bad={"program": {"arguments": ["x" * 257]}},
        says=f"program.arguments: {'x' * 20!r}... has 257 letters or a line break (256 or fewer, one line)",
    ),
    Case(
        rule="processing-environment",
        good={"environment": {"A": "x" * 256}},
        bad={"environment": {"A": "x" * 257}},
        says="environment.A: a value of 257 letters is not allowed (256 or fewer, no NUL)",
    ),
    Case(
        rule="processing-isolation",
        good={"network": {"isolation": True}, **_inputs()},
        bad={"network": {"isolation": True}, **_inputs(app_managed=True)},
        says="network.isolation: the program moves inputs.raw over the network (app_managed; or set this to false)",
    ),
    Case(
        rule="processing-secrets-need-the-launcher",
        good={"secrets": {"A": "secret:a"}},
        bad={**SPARK, "secrets": {"A": "secret:a"}},
        says="secrets: the launcher reads them for the program that it starts (add [program])",
    ),
    Case(
        rule="input-count",
        good={"inputs": {f"i{n}": {"s3": f"{n}/"} for n in range(10)}},
        bad={"inputs": {f"i{n}": {"s3": f"{n}/"} for n in range(10)}, "source": {"dir": "code"}},
        says="inputs: 11 with the 1 that Shardyard adds are not allowed (10 or fewer)",
    ),
    Case(
        rule="output-count",
        good={"outputs": {f"o{n}": {} for n in range(10)}},
        bad={"outputs": {f"o{n}": {} for n in range(11)}},
        says="outputs: 11 are not allowed (10 or fewer)",
    ),
    Case(
        rule="input-names",
        good=_inputs(),
        bad={"inputs": {"code": {"s3": "a/", "local_path": "/opt/ml/processing/own"}}},
        says="inputs.code: Shardyard uses this name itself (choose another)",
    ),
    Case(
        rule="gzip-through-a-pipe",
        good=_inputs(compression="Gzip", mode="Pipe"),
        bad=_inputs(compression="Gzip"),
        says='inputs.raw.compression: Gzip is for mode = "Pipe" only (set it, or decompress in the program)',
    ),
    Case(
        rule="query-keys",
        good={"inputs": {"raw": {"athena": ATHENA}}},
        bad={"inputs": {"raw": {"athena": ATHENA, "named_at_launch": True}}},
        says="inputs.raw.named_at_launch: it is for inputs in S3 only (remove it)",
    ),
    Case(
        rule="folders-apart",
        good={**_inputs(), **_outputs()},
        bad={**_inputs(), **_outputs(local_path="/opt/ml/processing/input")},
        says="outputs.out.local_path: /opt/ml/processing/input and the folder of inputs.raw, "
        "/opt/ml/processing/input/raw, are not apart",
    ),
    Case(
        rule="output-beside-inputs",
        good={**_inputs(), **_outputs(s3="digits/shards/")},
        bad={**_inputs(), **_outputs(s3="digits/raw/shards/")},
        says="outputs.out.s3: 'digits/raw/shards/' lies in the input raw ('digits/raw/')",
    ),
    Case(
        rule="feature-groups-are-written-by-the-program",
        good=_outputs(feature_group="clicks", app_managed=True),
        bad=_outputs(feature_group="clicks"),
        says="outputs.out.app_managed: a feature group is written by the program (set it to true)",
    ),
    Case(
        rule="sharded-inputs-have-enough-objects",
        good={**_inputs(distribution="ShardedByS3Key"), "compute": {"count": 2}},
        bad={**_inputs(distribution="ShardedByS3Key"), "compute": {"count": 4}},
        facts=Facts(objects={"raw": 3}),
        says="inputs.raw.distribution: 3 objects for 4 instances (use fewer instances, or more objects)",
    ),
    Case(
        rule="outputs-have-a-prefix",
        good=_outputs(s3="s3://team-data/shards/"),
        bad=_outputs(s3="s3://team-data/"),
        says="outputs.out.s3: 's3://team-data/' is a whole bucket (add a prefix, such as s3://team-data/shards/)",
    ),
    Case(
        rule="processing-image",
        good={},
        bad={"image": {"folder": None, "builtin": "xgboost", "version": "1.7-1"}, "program": None},
        says="image.builtin: it is for training jobs only (remove it; give folder, repository or framework)",
    ),
    Case(
        rule="known-deep-learning-container",
        good={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        bad={"image": {"folder": None, "framework": "pytorch", "version": "2.9"}},
        says="image.version: pytorch 2.9 is not on the list of 2026-11-21 (2.11, 2.12, 2.13)",
    ),
    Case(
        rule="container-fits-machines",
        facts=Facts(container="pytorch:2.13-cpu-amzn2023-sagemaker"),
        good={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        bad={
            "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
            "compute": {"instance_type": "ml.g5.xlarge"},
        },
        says="compute.instance_type: ml.g5.xlarge has GPUs, and the deploy chose "
        "pytorch:2.13-cpu-amzn2023-sagemaker by the job's first type "
        "(take types of one kind, or change the first and deploy)",
    ),
    Case(
        rule="image-for-gpus",
        good={"image": {"cpu_only": True}},
        bad={"image": {"cpu_only": True}, "compute": {"instance_type": "ml.g5.xlarge"}},
        says="compute.instance_type: ml.g5.xlarge has GPUs, and image.cpu_only says that the image has no CUDA",
    ),
    Case(
        rule="image-variant",
        facts=Facts(image_variants=("cpu",)),
        good={},
        bad={"compute": {"instance_type": "ml.g5.xlarge"}},
        says="image.folder: containers/pytorch has no image for these instances: ml.g5.xlarge needs gpu, and its "
        "variants.toml has cpu (take other types, or add a base for that hardware there)",
    ),
]
