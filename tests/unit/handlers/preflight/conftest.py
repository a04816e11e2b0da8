"""An account in which the small job can be launched."""

import pytest

from tests.support.fakes.fake_aws import FakeAws


@pytest.fixture
def aws() -> FakeAws:
    fake = FakeAws()
    fake.prices = {"ml.g5.xlarge": 2.0, "ml.g6.xlarge": 1.0}
    return fake
