"""What the service model refuses, beyond what botocore checks."""

import pytest

from embedded.operations import ServiceError
from embedded.services.sagemaker import model_check


def test_the_model_check_finds_what_botocore_lets_pass() -> None:
    with pytest.raises(ServiceError) as caught:
        model_check.check("AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:x/y"})
    assert caught.value.message == (
        "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"
    )
    tags = [{"Key": "Ünïcode key", "Value": "v"}, {"Key": "bad*", "Value": ""}]
    with pytest.raises(ServiceError, match=r"1 validation error detected: Value 'bad\*' at 'tags.2.member.key'"):
        model_check.check("AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:x/y", "Tags": tags})
