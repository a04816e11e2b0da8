"""What bills while nothing runs is counted from the templates."""

import pytest

from shardyard.spec.catalogue.idle_cost import idle_items, idle_usd


def template(kind: str, **properties: object) -> dict[str, object]:
    return {"Resources": {"Thing": {"Type": kind, "Properties": properties}}}


@pytest.mark.parametrize(
    ("given", "usd"),
    [
        (template("AWS::KMS::Key"), 1.0),
        (template("AWS::CloudWatch::Alarm"), 0.1),
        (template("AWS::EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"]), 14.6),
        (template("AWS::EC2::VPCEndpoint", VpcEndpointType="Gateway"), 0.0),
        (template("AWS::SageMaker::NotebookInstance", VolumeSizeInGB=20), 2.8),
        (template("AWS::Lambda::Function"), 0.0),
    ],
)
def test_what_one_resource_costs(given: dict[str, object], usd: float) -> None:
    assert idle_usd({"stack": given}) == pytest.approx(usd)


def test_each_item_says_why() -> None:
    [item] = idle_items(template("AWS::SageMaker::NotebookInstance", VolumeSizeInGB=20))
    assert (item.logical_id, item.why) == ("Thing", "20 GB disk of a stopped notebook")


def test_the_sum_is_over_all_stacks() -> None:
    assert idle_usd({"a": template("AWS::KMS::Key"), "b": template("AWS::KMS::Key")}) == 2.0
