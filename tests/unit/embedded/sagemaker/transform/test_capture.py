"""What a transform job captures: lists of its objects by the hour, and an id for each record of its output."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from embedded.operations import ServiceError
from embedded.services.sagemaker.transform.capture import Capture
from embedded.services.sagemaker.transform.objects import Source
from embedded.services.sagemaker.transform.validation import check_create
from shardyard.spec.transform.errors import TransformError

STARTED = datetime(2022, 8, 30, 13, 49, 15, tzinfo=UTC)
IDENTITY = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def capture(*, ids: bool = True, uri: str = "s3://kept/there") -> Capture:
    found = Capture.of({"DataCaptureConfig": {"DestinationS3Uri": uri, "GenerateInferenceId": ids}}, STARTED)
    assert found is not None
    return found


def test_a_job_without_a_configuration_captures_nothing() -> None:
    assert Capture.of({}, STARTED) is None


@pytest.mark.parametrize("uri", ["s3://kept/there", "s3://kept/there/"])
def test_the_lists_lie_below_the_hour_of_the_start_and_name_what_was_read_and_written(uri: str) -> None:
    sources = [Source(bucket="b", key=key, below="in/ra") for key in ("in/ra-1.csv", "in/ra/2.csv")]
    made = capture(uri=uri).manifests(sources, "s3://results/out")
    (read, written) = sorted(made)
    assert re.fullmatch(r"there/input/2022/08/30/13/[^/]+", read)
    assert re.fullmatch(r"there/output/2022/08/30/13/[^/]+", written)
    assert json.loads(made[read]) == [{"prefix": "s3://b/in/"}, "ra-1.csv", "ra/2.csv"]
    assert json.loads(made[written]) == [{"prefix": "s3://results/out/"}, "ra-1.csv.out", "ra/2.csv.out"]


def test_a_bucket_alone_takes_the_lists_and_a_job_without_results_writes_none() -> None:
    source = Source(bucket="b", key="x", below="")
    assert all(
        key.startswith(("input/2022", "output/2022")) for key in capture(uri="s3://kept").manifests([source], "s3://r")
    )
    assert capture().manifests([], "s3://r") == {}


def test_each_row_gets_an_id_of_its_own_and_the_time_of_the_start() -> None:
    rows = capture().identified(b"0\n1\n", "text/csv").decode()
    found = [
        re.fullmatch(rf"(\d),({IDENTITY}),2022-08-30T13:49:15Z", row) for row in rows.removesuffix("\n").split("\n")
    ]
    assert [row[1] for row in found if row] == ["0", "1"] and rows.endswith("\n")
    assert len({row[2] for row in found if row}) == 2
    assert not capture().identified(b"0", "text/csv").endswith(b"\n"), "what AssembleWith leaves out stays out"


@pytest.mark.parametrize(
    ("made", "kind", "rows"),
    [
        (b'{"output": 0}\n{"output": 1}\n', "application/jsonlines", [{"output": 0}, {"output": 1}]),
        (b'{"output": 0}\n{"output": 1}', "application/json", [{"output": 0}, {"output": 1}]),
        (b'{\n "output": 0\n}', "application/json; charset=utf-8", [{"output": 0}]),
    ],
)
def test_json_gets_two_fields(made: bytes, kind: str, rows: list[dict[str, Any]]) -> None:
    found = [json.loads(line) for line in capture().identified(made, kind).decode().splitlines()]
    for one in found:
        assert list(one)[-2:] == ["SageMakerInferenceId", "SageMakerInferenceTime"]
        assert re.fullmatch(IDENTITY, one.pop("SageMakerInferenceId"))
        assert one.pop("SageMakerInferenceTime") == "2022-08-30T13:49:15Z"
    assert found == rows


def test_what_has_no_room_for_the_fields_is_refused() -> None:
    with pytest.raises(TransformError, match=r"record 2: .* is no JSON object"):
        capture().identified(b"{}\n[1]\n", "application/jsonlines")


def test_without_ids_the_output_stays_as_it_is() -> None:
    assert capture(ids=False).identified(b"anything", "image/png") == b"anything"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"DestinationS3Uri": "https://b/c"}, "DestinationS3Uri"),
        (
            {"DestinationS3Uri": "s3://b/c", "GenerateInferenceId": True},
            "To use GenerateInferenceId, Accept must be one of",
        ),
    ],
)
def test_what_cannot_be_captured_is_refused_at_once(config: dict[str, Any], says: str) -> None:
    request = {
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
        "TransformOutput": {"S3OutputPath": "s3://b/out", "Accept": "image/png"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "DataCaptureConfig": config,
    }
    with pytest.raises(ServiceError, match=says):
        check_create(request, {"PrimaryContainer": {"Image": "i"}})
