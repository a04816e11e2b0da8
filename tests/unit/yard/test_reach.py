"""What `yard check` says of the way out of the project's VPC."""

from shardyard.spec.settings.settings import Settings
from yard.plan import reach_of


def test_an_isolated_vpc_reaches_s3_and_what_has_an_endpoint() -> None:
    assert reach_of(Settings.from_context({})).startswith("in the project's VPC a job reaches S3 and nothing else: no")
    some = Settings.from_context({"network.interface_endpoints": ["sts", "secretsmanager"]})
    assert "reaches S3, secretsmanager, sts and nothing else" in reach_of(some)
    assert reach_of(Settings.from_context({"network.kind": "none"})) == ""
