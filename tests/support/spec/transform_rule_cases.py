"""A good and a bad transform job for each rule about them, with the exact refusal."""

from typing import Any

from shardyard.spec.rules import Facts
from tests.support.spec.rule_cases import Case

BASE: dict[str, Any] = {
    "name": "score",
    "kind": "transform",
    "image": {"folder": "pytorch"},
    "model": {"run": "mnist-ddp:latest"},
    "compute": {"instance_type": "ml.m5.large"},
    "inputs": {"rows": {"s3": "digits/rows/", "content_type": "application/jsonlines"}},
}
_CSV = {"content_type": "text/csv", "split": "Line"}
_LINES = {"content_type": "application/jsonlines", "split": "Line"}


def _rows(**fields: Any) -> dict[str, Any]:
    return {"inputs": {"rows": fields}}


def _csv(accept: str = "text/csv", **processing: Any) -> dict[str, Any]:
    output = {"accept": accept, "assemble_with": "Line"}
    return {**_rows(**_CSV), "output": output, "data_processing": processing}


def _lines(accept: str = "application/jsonlines", **processing: Any) -> dict[str, Any]:
    output = {"accept": accept, "assemble_with": "Line"}
    return {**_rows(**_LINES), "output": output, "data_processing": processing}


def _algorithm(name: str, content_type: str, **more: Any) -> dict[str, Any]:
    """A job of a built-in algorithm's model, whose records are lines."""
    rows = {"content_type": content_type, "split": "Line", **more.pop("rows", {})}
    return {"image": {"folder": None, "builtin": name}, **_rows(**rows), **more}


_SERIES: dict[str, Any] = {
    "batching": {"strategy": "SingleRecord"},
    "output": {"accept": "application/jsonlines", "assemble_with": "Line"},
}

BUILT_IN = [
    Case(
        rule="transform-builtin",
        good=_algorithm("kmeans", "text/csv;label_size=0", output={"accept": "text/csv", "assemble_with": "Line"}),
        bad=_algorithm("factorization-machines", "text/csv"),
        says="inputs.rows.content_type: factorization-machines does not read text/csv (application/json, "
        "application/jsonlines, application/x-recordio-protobuf)",
    ),
    Case(
        rule="transform-builtin",
        bad=_algorithm("linear-learner", "text/csv", output={"accept": "text/csv"}),
        says="output.accept: linear-learner does not write text/csv (application/json, application/jsonlines, "
        "application/x-recordio-protobuf)",
    ),
    Case(
        rule="transform-builtin",
        good=_algorithm("deepar", "application/jsonlines", **_SERIES),
        bad=_algorithm("deepar", "application/jsonlines", **_SERIES | {"batching": {}}),
        says="batching.strategy: deepar fails at a request of several records (SingleRecord)",
    ),
    Case(
        rule="transform-builtin",
        bad=_algorithm("deepar", "application/jsonlines", rows={"split": "RecordIO"}, **_SERIES),
        says="inputs.rows.split: deepar takes one record in a request (Line)",
    ),
    Case(
        rule="transform-builtin",
        good={"image": {"folder": None, "builtin": "xgboost", "version": "1.7-1"}, **_csv()},
        bad={"image": {"folder": None, "builtin": "xgboost", "version": "0"}, **_rows(**_CSV)},
        says="image.version: xgboost 0 is not on the list of 2026-11-30 "
        "(1.2-1, 1.2-2, 1.3-1, 1.5-1, 1.7-1, 3.0-5, 3.2-0)",
    ),
]

JOBS = [
    Case(
        rule="transform-type-exists",
        good={"compute": {"instance_type": "ml.g6e.xlarge"}},
        bad={"compute": {"instance_type": "ml.m5.medium"}},
        says="compute.instance_type: 'ml.m5.medium' is no transform instance type of 2026-11-30; did you mean "
        "'ml.m5.large'?",
    ),
    Case(
        rule="transform-instance-count",
        good={"compute": {"count": 100}},
        bad={"compute": {"count": 101}},
        says="compute.count: 101 instances are not allowed (100 or fewer)",
    ),
    Case(
        rule="transform-instances-are-plain",
        bad={"compute": {"volume": "100GB"}},
        says="compute.volume: the disk of a transform instance cannot be chosen (remove it)",
    ),
    Case(
        rule="transform-instances-are-plain",
        good={"compute": {"fallback": [{"instance_type": "ml.m5.xlarge"}]}},
        bad={"compute": {"instance_type": None, "preferences": [{"instance_type": "ml.m5.large"}]}},
        says="compute.preferences: a transform job has one instance type (give instance_type, and the others under "
        "compute.fallback)",
    ),
    Case(
        rule="transform-image",
        good={"image": {"folder": None, "repository": "own", "tag": "1"}},
        bad={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        says="image.framework: it is an image for training (give folder, or the repository of an image that serves)",
    ),
    Case(
        rule="transform-image",
        bad={"image": {"folder": None, "repository": "own", "tag": "1", "access": "Vpc"}},
        says="image.access: Step Functions' own createModel is not known to take it (push the image to ECR, and remove "
        "this)",
    ),
    Case(
        rule="transform-image",
        bad={"image": {"arguments": ["serve"]}},
        says="image.arguments: SageMaker starts a model's container with `serve` alone (put it into the image)",
    ),
    Case(
        rule="transform-code-is-in-the-model",
        bad={"source": {"dir": "code"}},
        says="source: code for inference lies in code/ of the model's archive, or in the image (remove this table)",
    ),
    Case(
        rule="transform-has-no-secrets",
        bad={"secrets": {"TOKEN": "secret:token"}},
        says="secrets: a model's container is not started by the launcher (let its code read them)",
    ),
    Case(
        rule="transform-model-is-an-archive",
        good={"model": {"run": None, "s3": "models/digits.tar.gz"}},
        bad={"model": {"run": None, "s3": "models/digits/"}},
        says="model.s3: 'models/digits/' is no archive (a key that ends in .tar.gz)",
    ),
    Case(
        rule="transform-encrypts-no-traffic",
        good={"network": {"isolation": True}},
        bad={"network": {"encrypt_traffic": True}},
        says="network.encrypt_traffic: instances that transform do not talk to each other (remove it)",
    ),
    Case(
        rule="transform-environment",
        good={"environment": {f"A{n}": "b" for n in range(16)}},
        bad={"environment": {f"A{n}": "b" for n in range(17)}},
        says="environment: 17 variables are not allowed (16 or fewer)",
    ),
    Case(
        rule="transform-environment",
        bad={"environment": {"SAGEMAKER_BATCH": "false"}},
        says="environment.SAGEMAKER_BATCH: this variable is set by Shardyard or SageMaker (choose another name)",
    ),
]
REQUESTS = [
    Case(
        rule="batch-strategy-needs-records",
        good={**_lines(), "batching": {"strategy": "SingleRecord"}},
        bad={"batching": {"strategy": "SingleRecord"}},
        says="batching.strategy: inputs.rows is not split into records (set its split to Line, RecordIO or TFRecord)",
    ),
    Case(
        rule="payloads-in-flight",
        good={"batching": {"max_concurrent": 16}},
        bad={"batching": {"max_concurrent": 17}},
        says="batching.max_concurrent: 17 requests of 6 MB are 102 MB (100 or fewer together)",
    ),
    Case(
        rule="chunks-are-of-whole-objects",
        good={"batching": {"max_payload_mb": 0}},
        bad={**_lines(), "batching": {"max_payload_mb": 0}},
        says="batching.max_payload_mb: 0 is without limit, and inputs.rows packs records up to it (give a size, or "
        "SingleRecord)",
    ),
]
DATA = [
    Case(
        rule="one-transform-input",
        bad={"inputs": {"more": {"s3": "more/", "content_type": "text/csv"}}},
        says="inputs: a transform job has exactly one input, and this one has rows, more",
    ),
    Case(
        rule="transform-input-is-whole",
        good=_rows(s3="digits/rows/today.jsonl"),
        bad=_rows(s3="digits/rows"),
        says="inputs.rows.s3: 'digits/rows' also takes other names that begin so (end a folder in a slash: "
        "'digits/rows/')",
    ),
    Case(
        rule="transform-places-apart",
        good={"output": {"s3": "digits/predictions/"}},
        bad={"output": {"s3": "digits/rows/out/"}},
        says="output.s3: 'digits/rows/out/' lies in the input rows ('digits/rows/')",
    ),
    Case(
        rule="transform-places-have-a-prefix",
        good={"output": {"s3": "s3://team-data/predictions/"}},
        bad={"output": {"s3": "s3://team-data/"}},
        says="output.s3: 's3://team-data/' is a whole bucket (add a prefix, such as s3://team-data/predictions/)",
    ),
    Case(
        rule="transform-objects-for-instances",
        good={"compute": {"count": 3}},
        bad={"compute": {"count": 4}},
        facts=Facts(objects={"rows": 3}),
        says="inputs.rows: 3 objects for 4 instances (use fewer, or more objects)",
    ),
    Case(
        rule="transform-answers-need-ends",
        good=_lines(),
        bad=_rows(**_LINES),
        says="output.assemble_with: inputs.rows is split by lines, and its answers would run together "
        '(assemble_with = "Line")',
    ),
]
FILTERS = [
    Case(
        rule="filters-are-known",
        good=_lines(input_filter="$.features", join="Input", output_filter="$['id','SageMakerOutput']"),
        bad=_lines(input_filter="features"),
        says="data_processing.input_filter: 'features' does not begin with $, the record itself",
    ),
    Case(
        rule="filters-are-known",
        bad=_lines(input_filter=f"$.{'a' * 62}"),
        says="data_processing.input_filter: 64 letters are not allowed (63 or fewer)",
    ),
    Case(
        rule="filters-end-plainly",
        good=_csv(input_filter="$[1,2,3]"),
        bad=_csv(input_filter="$[1:4]"),
        says="data_processing.input_filter: '$[1:4]' ends at a column that AWS both counts and does not (list them: "
        "$[1,2,3], or $[1:])",
    ),
    Case(
        rule="filters-know-the-format",
        good=_csv(join="Input"),
        bad={**_rows(content_type="image/png"), "data_processing": {"input_filter": "$.a"}},
        says="inputs.rows.content_type: 'image/png' cannot be filtered or joined (text/csv, application/json, "
        "application/jsonlines)",
    ),
    Case(
        rule="filters-know-the-format",
        bad={**_rows(**_CSV), "output": {"assemble_with": "Line"}, "data_processing": {"output_filter": "$[0]"}},
        says="output.accept: missing (text/csv, application/json, application/jsonlines)",
    ),
    Case(
        rule="csv-filters-count-columns",
        good=_csv(input_filter="$[0,2:]"),
        bad=_csv(input_filter="$.id"),
        says="data_processing.input_filter: '$.id' is no list of columns, which CSV has alone ($[0], $[1:], $[0,-1])",
    ),
    Case(
        rule="joined-formats-agree",
        good=_lines("application/json", join="Input"),
        bad=_csv("application/json", join="Input"),
        says="output.accept: application/json cannot be joined to the text/csv of inputs.rows (use text/csv)",
    ),
    Case(
        rule="processed-records-are-lines",
        good={
            **_rows(content_type="application/json", split="None"),
            "output": {"accept": "application/json"},
            "data_processing": {"join": "Input"},
        },
        bad={**_rows(content_type="text/csv"), "data_processing": {"input_filter": "$[0]"}},
        says="inputs.rows.split: 'None' cannot be filtered or joined (set it to \"Line\")",
    ),
]
TRANSFORM = [*JOBS, *BUILT_IN, *REQUESTS, *DATA, *FILTERS]
