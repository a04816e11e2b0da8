"""CreateAutoMLJobV2 on the embedded cloud: the stand-in searches, stacks and says what it is."""

import random
import shutil
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers.launch.receipt.automl import best_of, read_automl
from shardyard.handlers.launch.submit.index import look, submit
from shardyard.spec.catalogue.service_jobs import AUTOML
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.requests.automl import to_request
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.run_settings import automl_settings, outputs_of
from tests.support.automl.automl_rule_cases import BASE
from tests.support.cloud.lent_packages import lend_packages
from tests.support.clouds.training_cloud import BUCKET, ROOT, TrainingCloud, wait_until
from tests.support.spec.spec_tables import over

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def table(cloud: TrainingCloud) -> str:
    """A table in the bucket, and the stand-in's image with the packages of the tests."""
    shutil.copytree(ROOT / "containers" / "automl", cloud.project / "containers" / "automl")
    lend_packages(cloud, "automl", "scikit-learn", "boto3")
    dice = random.Random(0)
    rows = [(dice.random(), dice.random()) for _ in range(80)]
    lines = [f"{a:.4f},{b:.4f},{'big' if a + b > 1 else 'small'}" for a, b in rows]
    cloud.put("tables/points.csv", "\n".join(["a,b,size", *lines]))
    return f"s3://{BUCKET}/tables/"


def request(cloud: TrainingCloud, uri: str, **fields: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    return {
        "AutoMLJobInputDataConfig": [{"ChannelType": "training", "ContentType": "text/csv", "DataSource": source}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/automl"},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {"TargetAttributeName": "size", "CompletionCriteria": {"MaxCandidates": 2}}
        },
        "RoleArn": cloud.role,
    } | fields


def test_it_searches_stacks_and_says_that_it_stands_in(cloud: TrainingCloud, table: str) -> None:
    sagemaker = cloud.client("sagemaker")
    arn = sagemaker.create_auto_ml_job_v2(AutoMLJobName="points", **request(cloud, table))["AutoMLJobArn"]
    assert arn.endswith(":automl-job/points")

    def describe() -> dict[str, Any]:
        said: dict[str, Any] = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="points")
        return said

    wait_until(lambda: describe()["AutoMLJobStatus"] in ("Completed", "Failed"), 240, "the end of the AutoML job")
    said = describe()
    assert said["AutoMLJobStatus"] == "Completed", said
    assert "stands in" in said["PartialFailureReasons"][0]["PartialFailureMessage"]
    best = said["BestCandidate"]
    assert best["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "Accuracy"
    assert best["FinalAutoMLJobObjectiveMetric"]["Value"] > 0.8
    told = [line for line in cloud.lines(best["CandidateName"])["algo-1"] if not line.startswith("launcher: ")]
    assert told[0].startswith("This is no Amazon SageMaker Autopilot")
    listed = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="points", SortBy="FinalObjectiveMetricValue")
    assert len(listed["Candidates"]) == 3
    key = best["InferenceContainers"][0]["ModelDataUrl"].removeprefix(f"s3://{BUCKET}/")
    assert cloud.keys(key) == [key]
    assert [one["AutoMLJobName"] for one in sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]] == ["points"]
    with pytest.raises(ClientError, match="is in status Completed"):
        sagemaker.stop_auto_ml_job(AutoMLJobName="points")


def test_a_launchs_own_request_is_taken_and_its_receipt_counts_the_candidates_jobs(
    cloud: TrainingCloud, table: str
) -> None:
    """What preflight builds, created, watched and accounted for by the launch's own functions."""
    spec = AutoMLSpec.from_dict(over(BASE, {"tabular": {"target": "size"}, "candidates": {"count": 1}}))
    deployment = Deployment(
        project="house", stage="dev", data_bucket=BUCKET, artifact_bucket=BUCKET, role_arn=cloud.role
    )
    cloud.put("tables/customers/points.csv", cloud.get("tables/points.csv"))
    request = to_request(spec, deployment, job_name="launched-1", run_id="r")
    submit(request, cloud.client, AUTOML)
    again = submit(request, cloud.client, AUTOML)
    assert again == {"name": "launched-1"}, "a second call finds the first one's job"

    def status() -> str:
        now = time.time()
        return look("launched-1", None, cloud.client, now, AUTOML, longest_seconds=3600)["AutoMLJobStatus"]

    wait_until(lambda: status() in ("Completed", "Failed"), 240, "the end of the AutoML job")
    described = AUTOML.describe(cloud.client("sagemaker"), "launched-1")
    assert described["AutoMLJobStatus"] == "Completed", described
    cost = {"hourly_usd": {}, "storage_usd_gb_month": 0.0, "source": "none"}
    found = read_automl(described, cost, "us-east-1", cloud.client)
    assert found.table["jobs"] == 2 and found.table["best"] == described["BestCandidate"]["CandidateName"]
    assert found.line["billable_seconds"] > 0 and found.line["cost_usd"] > 0
    assert any("stands in" in said for said in found.table["said"])
    best = best_of(described)
    assert best["metrics"]["Accuracy"] > 0.5
    place = outputs_of(described)["automl"]
    assert place == f"s3://{BUCKET}/runs/r/customers/automl/" and best["model"].startswith(place)
    assert automl_settings(described)["TargetAttributeName"] == "size"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {
                "AutoMLProblemTypeConfig": {
                    "TextClassificationJobConfig": {"ContentColumn": "a", "TargetLabelColumn": "b"}
                }
            },
            "TabularJobConfig only",
        ),
        ({"AutoMLJobObjective": {"MetricName": "Accuracy"}}, "must be specified together"),
        ({"ModelDeployConfig": {"AutoGenerateEndpointName": True}}, "takes no ModelDeployConfig"),
        ({"DataSplitConfig": {"ValidationFraction": 0.3}}, "takes no DataSplitConfig"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
    ],
)
def test_what_the_stand_in_cannot_do_is_refused_by_name(
    cloud: TrainingCloud, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        cloud.client("sagemaker").create_auto_ml_job_v2(
            AutoMLJobName="wrong", **request(cloud, f"s3://{BUCKET}/tables/", **fields)
        )
    with pytest.raises(ClientError, match="Could not find an AutoML job with the name wrong"):
        cloud.client("sagemaker").describe_auto_ml_job_v2(AutoMLJobName="wrong")
