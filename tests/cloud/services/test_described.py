"""What services say of things that were just made, or are not there, against what was recorded from AWS.

Recorded in localstack/localstack, tests/aws/services/**/*.snapshot.json, 2022 to 2026, read 1 December 2026.
"""

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud


@pytest.mark.parametrize("operation", ["get_parameter", "delete_parameter"])
def test_a_missing_parameter_is_told_without_words(cloud: Cloud, operation: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloud.client("ssm"), operation)(Name="nobody-has-this-parameter")
    assert caught.value.response["Error"] == {"Code": "ParameterNotFound", "Message": ""}
    assert "message" not in caught.value.response
