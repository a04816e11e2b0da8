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


@pytest.mark.parametrize("value", ["a#b", "a,b", "a\nb", "\u0301"])
def test_a_class_of_letters_is_read_as_the_service_means_it(value: str) -> None:
    request = {"CustomerMetadataProperties": {"caf\u00e9 1_.:/=+-@": "\u6570\u00a0\u00bd"}}
    model_check.check("CreateModelPackage", request)
    with pytest.raises(ServiceError, match=r"at 'customerMetadataProperties.key' failed to satisfy constraint"):
        model_check.check("CreateModelPackage", {"CustomerMetadataProperties": {value: "x"}})


def test_a_symbol_stands_in_a_description() -> None:
    model_check.check("CreateModelPackage", {"ModelPackageDescription": "a \u20ac 1, b\u0301!"})
    with pytest.raises(ServiceError, match="at 'modelPackageDescription'"):
        model_check.check("CreateModelPackage", {"ModelPackageDescription": "a\tb"})
