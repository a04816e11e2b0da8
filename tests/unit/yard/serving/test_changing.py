"""What is changed beside deploys, and what a request is made of."""

import io
from pathlib import Path
from typing import Any, cast

import pytest

from shardyard.spec.errors import SpecError
from tests.support.fakes.fake_aws import failure
from tests.support.fakes.fake_serving import FakeServing
from tests.support.spec.endpoints import endpoint
from yard.aws import Aws
from yard.errors import UserError
from yard.project import Project
from yard.serving import changes, invoking
from yard.serving.changing import change, only_variant, read_weights, rows_of, take_away
from yard.serving.endpoints import standing

TWO = {"variants": {"next": {"instance_type": "ml.m5.large"}}}


def test_weights_are_of_variants_that_there_are() -> None:
    assert read_weights(endpoint(**TWO), ["main=9", "next=0.5"]) == {"main": 9, "next": 0.5}
    with pytest.raises(UserError, match="has no variant 'nxt'; did you mean 'next'"):
        read_weights(endpoint(**TWO), ["nxt=1"])
    for wrong in ("main", "main=", "main=-1", "main=nan", "main=1001"):
        with pytest.raises(UserError, match="is not VARIANT=WEIGHT"):
            read_weights(endpoint(**TWO), [wrong])


def test_which_variant_is_meant_must_be_said_where_there_are_several() -> None:
    assert only_variant(endpoint(), None) == "main"
    with pytest.raises(UserError, match="has several variants: main, next"):
        only_variant(endpoint(**TWO), None)
    serverless = endpoint(kind="serverless", variants={"main": {"instance_type": None, "serverless": {}}})
    with pytest.raises(UserError, match="it has no instances"):
        only_variant(serverless, None)


def test_only_an_endpoint_at_rest_is_changed() -> None:
    aws = FakeServing()
    change(cast(Aws, aws), endpoint(), {"main": {"DesiredInstanceCount": 3}})
    wanted = [{"VariantName": "main", "DesiredInstanceCount": 3}]
    assert aws.given == [{"EndpointName": "shardyard-dev-digits", "DesiredWeightsAndCapacities": wanted}]
    assert aws.described is not None
    aws.described["EndpointStatus"] = "Updating"
    with pytest.raises(UserError, match="digits is Updating"):
        change(cast(Aws, aws), endpoint(), {"main": {"DesiredInstanceCount": 1}})
    aws.described = None
    with pytest.raises(UserError, match="has no model yet"):
        change(cast(Aws, aws), endpoint(), {"main": {"DesiredInstanceCount": 1}})
    assert len(aws.given) == 1


def test_an_endpoint_is_taken_away_by_its_own_stack() -> None:
    of_run = endpoint(model={"s3": None, "run": "mnist-ddp:latest"})
    aws = FakeServing({"status": "UPDATE_COMPLETE", "asked": None, "described": None})
    assert take_away(cast(Aws, aws), of_run, print).described is None
    assert aws.updates == [{"DigitsModel": ""}]
    with pytest.raises(UserError) as error:
        take_away(cast(Aws, FakeServing()), endpoint(), print)
    assert "npx cdk destroy shardyard-dev-serving-digits" in error.value.fix


def test_rows_show_what_is_and_what_is_wanted() -> None:
    aws = FakeServing()
    assert aws.described is not None
    aws.described["ProductionVariants"] = [
        {"VariantName": "main", "CurrentInstanceCount": 1, "DesiredInstanceCount": 3, "CurrentWeight": 1.0},
        {"VariantName": "warm", "CurrentWeight": 2.0, "VariantStatus": [{"Status": "Baking"}]},
    ]
    rows = rows_of(standing(cast(Aws, aws), "digits"))
    assert [row["instances"] for row in rows] == ["1 of 3", "serverless"]
    assert [row["phase"] for row in rows] == [None, "Baking"]


def test_a_body_is_one_thing_and_its_type_is_known(tmp_path: Path) -> None:
    file = tmp_path / "a.NPY"
    file.write_bytes(b"x")
    assert invoking.read_body(file, None, None, None) == (b"x", "application/x-npy")
    assert invoking.read_body(None, "[1]", None, None) == (b"[1]", "application/json")
    assert invoking.read_body(None, None, "1,2", "text/csv; header=absent") == (b"1,2", "text/csv; header=absent")
    with pytest.raises(UserError, match="Give one of FILE, --json and --csv"):
        invoking.read_body(file, "[1]", None, None)
    with pytest.raises(UserError, match="is not known"):
        invoking.read_body(tmp_path / "a.bin", None, None, None)


@pytest.mark.parametrize(("kind", "most"), [("realtime", 6_291_456), ("serverless", 4_000_000), ("asynchronous", None)])
def test_what_the_service_would_cut_off_is_refused(kind: str, most: int | None) -> None:
    tables: dict[str, Any] = {"kind": kind}
    if kind == "serverless":
        tables["variants"] = {"main": {"instance_type": None, "serverless": {}}}
    spec = endpoint(**tables)
    if most is None:
        invoking.check_size(spec, b"x" * 7_000_000)
        return
    invoking.check_size(spec, b"x" * most)
    with pytest.raises(UserError, match="takes"):
        invoking.check_size(spec, b"x" * (most + 1))


class Queue(FakeServing):
    """The bucket and the queue of an asynchronous endpoint: the answer lies there after some looks."""

    def __init__(self, place: str, body: bytes, after: int = 2) -> None:
        super().__init__()
        self.place, self.body, self.after, self.sent = place, body, after, dict[str, bytes]()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.sent[f"s3://{Bucket}/{Key}"] = Body

    def invoke_endpoint_async(self, *, InputLocation: str, **given: Any) -> Any:
        assert InputLocation in self.sent and given["EndpointName"] == "shardyard-dev-digits"
        return {"OutputLocation": "s3://artifacts/out", "FailureLocation": "s3://artifacts/failed"}

    def get_object(self, *, Bucket: str, Key: str) -> Any:
        if Key == self.place:
            self.after -= 1
            if self.after < 0:
                return {"Body": io.BytesIO(self.body)}
        raise failure("NoSuchKey")


ASYNC: dict[str, Any] = {"kind": "asynchronous"}
REQUEST = invoking.Request(body=b"[1]", content_type="application/json")


def test_a_queue_answers_in_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoking.time, "sleep", lambda seconds: None)
    aws = Queue("out", b"7")
    answer = invoking.invoke_later(cast(Aws, aws), endpoint(**ASYNC), REQUEST, wait_seconds=60)
    assert answer.body == b"7"
    ((place, body),) = aws.sent.items()
    assert place.startswith("s3://artifacts/async/digits/requests/") and body == b"[1]"


def test_a_request_that_failed_in_the_queue_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoking.time, "sleep", lambda seconds: None)
    with pytest.raises(UserError, match="The request failed: no memory"):
        invoking.invoke_later(cast(Aws, Queue("failed", b"no memory")), endpoint(**ASYNC), REQUEST, wait_seconds=60)


def test_an_answer_that_does_not_come_will_lie_where_it_says() -> None:
    with pytest.raises(UserError, match="No answer within 0 seconds; it will lie at s3://artifacts/out"):
        invoking.invoke_later(cast(Aws, Queue("out", b"7")), endpoint(**ASYNC), REQUEST, wait_seconds=0)


def test_a_stream_is_given_part_by_part_and_says_why_it_broke_off() -> None:
    parts: list[dict[str, Any]] = [{"PayloadPart": {"Bytes": b"a"}}, {"PayloadPart": {"Bytes": b"b"}}]
    aws = FakeServing()
    streams = iter([parts, [*parts, {"ModelStreamError": {"Message": "too slow"}}]])
    monkey: Any = aws
    monkey.invoke_endpoint_with_response_stream = lambda **given: {"Body": next(streams)}
    assert list(invoking.stream(cast(Aws, aws), endpoint(), REQUEST)) == [b"a", b"b"]
    with pytest.raises(UserError, match="The stream broke off: ModelStreamError: too slow"):
        list(invoking.stream(cast(Aws, aws), endpoint(), REQUEST))


def test_a_change_that_the_service_would_refuse_is_found_against_what_is_deployed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scaling = {"most": 3, "invocations": 100}
    before = endpoint(variants={"main": {"scaling": scaling}})
    after = endpoint(variants={"main": {"instance_type": "ml.c5.xlarge", "scaling": scaling}})
    aws = FakeServing()
    aws.template = {"Metadata": {"shardyard:endpoint": before.to_dict()}}
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setattr(changes, "all_endpoints", lambda project: (after,))
    monkeypatch.setattr(changes, "Aws", lambda project: aws)
    with pytest.raises(
        SpecError, match=r"endpoints/digits\.toml: variants\.main\.instance_type: ml\.m5\.large is deployed"
    ):
        changes.check_endpoints(cast(Project, aws.project), offline=False)
    assert changes.check_endpoints(cast(Project, aws.project), offline=True) == ["digits"]
    aws.template = {}
    assert changes.check_endpoints(cast(Project, aws.project), offline=False) == ["digits"]


def test_a_region_without_endpoints_is_found_where_an_account_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = FakeServing()
    aws.template = {}
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setattr(aws, "region", "xx-nowhere-1")
    monkeypatch.setattr(changes, "all_endpoints", lambda project: (endpoint(),))
    monkeypatch.setattr(changes, "Aws", lambda project: aws)
    with pytest.raises(SpecError, match=r"endpoints/digits\.toml: xx-nowhere-1 has no endpoints"):
        changes.check_endpoints(cast(Project, aws.project), offline=False)
