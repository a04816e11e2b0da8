"""Service Quotas on the embedded cloud."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import ACCOUNT, REGION, Account, account

__all__ = ["account"]

P5 = "ml.p5.48xlarge for training job usage"
P4 = "ml.p4d.24xlarge for training job usage"


def listed(account: Account, operation: str = "list_service_quotas") -> dict[str, dict[str, Any]]:
    pages = account.client("service-quotas").get_paginator(operation).paginate(ServiceCode="sagemaker")
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def ask(account: Account, name: str, value: float) -> dict[str, Any]:
    code = listed(account)[name]["QuotaCode"]
    answer = account.client("service-quotas").request_service_quota_increase(
        ServiceCode="sagemaker", QuotaCode=code, DesiredValue=value
    )
    request: dict[str, Any] = answer["RequestedQuota"]
    return request


def verb(name: str, /, **params: Any) -> Any:
    from embedded.operations import find_admin

    function = find_admin(name)
    assert function is not None
    return function(params)


def test_every_instance_type_has_its_quotas(account: Account) -> None:
    operations = listed(account)
    assert len(operations) > 1000, "so many that a client has to page"
    model = account.client("sagemaker").meta.service_model
    for instance_type in model.shape_for("TrainingInstanceType").enum:
        for use in ("training job usage", "spot training job usage", "training warm pool usage"):
            assert f"{instance_type} for {use}" in operations
    for use in ("notebook instance", "endpoint", "processing job", "transform job", "cluster"):
        assert any(name.endswith(f" for {use} usage") for name in operations)
    codes = [quota["QuotaCode"] for quota in operations.values()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"L-[0-9A-F]{8}", code) for code in codes)


def test_public_codes_are_real(account: Account) -> None:
    operations = listed(account)
    assert operations[P4]["QuotaCode"] == "L-09B4A649"
    assert operations["ml.g4dn.xlarge for training job usage"]["QuotaCode"] == "L-3F53BF0F"
    assert operations["Number of instances across all training jobs"]["QuotaCode"] == "L-00C91CB5"


def test_a_new_account_has_none_of_the_large_accelerators(account: Account) -> None:
    operations = listed(account, "list_aws_default_service_quotas")
    assert operations[P5]["Value"] == operations[P4]["Value"] == 0
    assert operations["ml.trn1.32xlarge for training job usage"]["Value"] == 0
    assert operations["ml.g5.xlarge for training job usage"]["Value"] >= 8


def test_a_request_stays_open_until_it_is_approved(account: Account) -> None:
    from embedded.services.servicequotas import operations

    client = account.client("service-quotas")
    request = ask(account, P5, 8)
    assert request["Status"] == "PENDING"
    code = request["QuotaCode"]
    assert client.get_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["Value"] == 0
    with pytest.raises(ClientError) as twice:
        ask(account, P5, 16)
    assert twice.value.response["Error"]["Code"] == "ResourceAlreadyExistsException"
    assert verb("approve-quota", name=P5)["decided"] == [{"name": P5, "value": 8.0, "status": "APPROVED"}]
    assert client.get_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["Value"] == 8
    assert client.get_aws_default_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["Value"] == 0
    assert operations.granted(ACCOUNT, REGION, P5) == 8
    assert operations.granted(ACCOUNT, "eu-west-1", P5) == 0, "a request is about one region"
    assert operations.granted("210987654321", REGION, P5) == 0
    found = client.get_requested_service_quota_change(RequestId=request["Id"])["RequestedQuota"]
    assert found["Status"] == "APPROVED"
    history = client.list_requested_service_quota_change_history_by_quota(ServiceCode="sagemaker", QuotaCode=code)
    assert [one["Id"] for one in history["RequestedQuotas"]] == [request["Id"]]
    open_ones = client.list_requested_service_quota_change_history(ServiceCode="sagemaker", Status="PENDING")
    assert open_ones["RequestedQuotas"] == []


def test_a_request_can_be_denied(account: Account) -> None:
    from embedded.services.servicequotas import operations

    ask(account, P4, 4)
    assert verb("approve-quota", name=P4, deny=True)["decided"][0]["status"] == "DENIED"
    assert operations.granted(ACCOUNT, REGION, P4) == 0


def test_no_request_below_what_is_there(account: Account) -> None:
    with pytest.raises(ClientError, match="greater than the current quota value") as refused:
        ask(account, "ml.g5.xlarge for training job usage", 1)
    assert refused.value.response["Error"]["Code"] == "IllegalArgumentException"


def test_a_quota_is_set_by_hand(account: Account) -> None:
    from embedded.operations import ServiceError
    from embedded.services.servicequotas import operations

    name = "ml.m5.xlarge for training job usage"
    verb("quota", name=name, value=3)
    assert operations.granted(ACCOUNT, REGION, name) == operations.granted(ACCOUNT, "eu-west-1", name) == 3
    verb("quota", name=name, value=1, region="eu-west-1")
    assert (operations.granted(ACCOUNT, REGION, name), operations.granted(ACCOUNT, "eu-west-1", name)) == (3, 1)
    with pytest.raises(ServiceError, match=r"did you mean 'ml.m5.xlarge for training job usage'"):
        verb("quota", name="ml.m5.xlarge for training jobs usage", value=1)
    with pytest.raises(ServiceError, match="no open request for"):
        verb("approve-quota", name=name)


def test_what_does_not_exist(account: Account) -> None:
    client = account.client("service-quotas")
    for service, code in (("sagemaker", "L-00000000"), ("nothing", "L-00C91CB5")):
        with pytest.raises(client.exceptions.NoSuchResourceException):
            client.get_service_quota(ServiceCode=service, QuotaCode=code)
