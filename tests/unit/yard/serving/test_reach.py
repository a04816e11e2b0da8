"""A model that the endpoint's role may not read is refused before the stack is updated."""

from typing import Any, cast

import pytest

from shardyard.spec import names
from tests.support.fakes.fake_serving import FakeServing
from tests.support.spec.endpoints import endpoint
from yard.aws import Aws
from yard.errors import UserError
from yard.serving.endpoints import standing
from yard.serving.reach import check_reach

OWN = {"variants": {"next": {"instance_type": "ml.m5.large", "model": {"s3": "s3://other/team/a.tar.gz"}}}}


def check(address: str, **tables: Any) -> None:
    aws = FakeServing()
    aws.template = {"Metadata": {names.ENDPOINT_METADATA: endpoint(**tables).to_dict()}}
    check_reach(cast(Aws, aws), standing(cast(Aws, aws), "digits"), [address])


RUN = {"model": {"s3": None, "run": "mnist-ddp:latest"}}
FILE = {"model": {"s3": None, "file": "model.tar.gz"}}
KEY = {"model": {"s3": "models/digits/1.tar.gz"}}


@pytest.mark.parametrize(
    ("tables", "inside", "outside"),
    [
        (RUN, "s3://artifacts/runs/a/model.tar.gz", "s3://artifacts/models/a.tar.gz"),
        (FILE, "s3://artifacts/models/digits/a.tar.gz", "s3://artifacts/runs/a/model.tar.gz"),
        (KEY, "s3://artifacts/models/digits/2.tar.gz", "s3://artifacts/models/digits2.tar.gz"),
        (RUN | OWN, "s3://other/team/b.tar.gz", "s3://other/b.tar.gz"),
        (RUN | OWN, "s3://artifacts/runs/a/model.tar.gz", "s3://artifacts-old/runs/a/model.tar.gz"),
    ],
)
def test_the_role_reads_where_the_deployed_definition_has_its_models(
    tables: dict[str, Any], inside: str, outside: str
) -> None:
    check(inside, **tables)
    with pytest.raises(UserError, match=f"The role of digits may not read {outside}: it reads what lies below s3://"):
        check(outside, **tables)


def test_the_error_says_where_to_and_what_else_to_do() -> None:
    with pytest.raises(UserError) as error:
        check("s3://elsewhere/model.tar.gz", **RUN | OWN)
    assert error.value.happened.endswith("below s3://artifacts/runs/ and s3://other/team/.")
    assert "endpoints/digits.toml" in error.value.fix
    assert "npx cdk deploy shardyard-dev-serving-digits" in error.value.fix


def test_a_stack_that_does_not_tell_its_definition_is_left_to_sagemaker() -> None:
    aws = FakeServing()
    check_reach(cast(Aws, aws), standing(cast(Aws, aws), "digits"), ["s3://elsewhere/model.tar.gz"])
