"""The right to a topic's key, looked up in the role of whoever publishes."""

from types import SimpleNamespace
from typing import Any

import pytest

from embedded.operations import ServiceError
from embedded.services.sns import operations


def caller(principal: str) -> Any:
    return SimpleNamespace(principal=principal, account="123456789012", region="us-east-1")


def test_a_session_whose_role_was_deleted_may_use_no_key() -> None:
    gone = caller("arn:aws:sts::123456789012:assumed-role/gone/session")
    with pytest.raises(
        ServiceError, match="assumed-role/gone/session is not authorized to perform: kms:GenerateDataKey"
    ):
        operations._check_key(gone, "1234")
    operations._check_key(gone, "arn:aws:kms:us-east-1:123456789012:alias/aws/sns")


def test_the_accounts_root_may_use_every_key() -> None:
    operations._check_key(caller("arn:aws:iam::123456789012:root"), "1234")
