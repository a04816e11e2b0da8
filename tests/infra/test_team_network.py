"""Placement.from_vpc: jobs in the VPC that a team has already; and ours, and our topic, as CDK's own types."""

import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from shardyard.foundation.network import Network
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.jobs.training_job import TrainingJob
from shardyard.observability.alerts import Alerts
from tests.support.training_stack import VISION, Template, actions, job, of_type, only, own_stack, statements, written


def vpc_of(stack: cdk.Stack, *kinds: ec2.SubnetType) -> ec2.Vpc:
    subnets = [ec2.SubnetConfiguration(name=kind.name.split("_")[0].title(), subnet_type=kind) for kind in kinds]
    return ec2.Vpc(stack, "Team", max_azs=2, nat_gateways=0, subnet_configuration=subnets)


def launched(stack: cdk.Stack, network: Placement) -> Template:
    bucket = s3.Bucket(stack, "Bucket")
    data = Storage.from_buckets(stack, "Storage", data=bucket, artifacts=bucket)
    TrainingJob(stack, "tiny", project=VISION, spec=job(), image=None, data=data, network=network)
    return written(stack)


def substitutions(template: Template) -> dict[str, object]:
    found: dict[str, object] = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    return {name: value for name, value in found.items() if name.startswith(("Subnet", "SecurityGroup"))}


def test_a_job_runs_in_the_isolated_subnets_with_a_group_that_is_made() -> None:
    stack = own_stack()
    vpc = vpc_of(stack, ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_ISOLATED)
    template = launched(stack, Placement.from_vpc(stack, "Placement", vpc=vpc))
    values = json.dumps(substitutions(template))
    assert values.count("TeamPrivateSubnet") == 2 and "Public" not in values
    group = only(template, "AWS::EC2::SecurityGroup")
    (vpc_id,) = of_type(template, "AWS::EC2::VPC")
    assert group["VpcId"] == {"Ref": vpc_id}
    assert only(template, "AWS::EC2::SecurityGroupIngress")["IpProtocol"] == "-1"
    in_vpc = [p for name, p in of_type(template, "AWS::IAM::ManagedPolicy").items() if "TrainingInVpc" in name]
    assert len(in_vpc) == 1 and "TeamPrivateSubnet" in json.dumps(in_vpc)


def test_subnets_and_groups_that_are_given_are_taken() -> None:
    stack = own_stack()
    vpc = vpc_of(stack, ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_ISOLATED)
    group = ec2.SecurityGroup(stack, "Nodes", vpc=vpc)
    chosen = vpc.isolated_subnets[1:]
    placement = Placement.from_vpc(stack, "Placement", vpc=vpc, subnets=chosen, security_groups=[group])
    template = launched(stack, placement)
    (group_id,) = of_type(template, "AWS::EC2::SecurityGroup")
    found = substitutions(template)
    assert set(found) == {"Subnet0", "SecurityGroup0"}
    assert found["SecurityGroup0"] == {"Fn::GetAtt": [group_id, "GroupId"]}
    assert "PrivateSubnet2" in json.dumps(found["Subnet0"])


def test_a_vpc_of_public_subnets_alone_is_refused() -> None:
    stack = own_stack()
    vpc = vpc_of(stack, ec2.SubnetType.PUBLIC)
    with pytest.raises(ValueError, match=r"^own/Placement: the VPC has neither private nor isolated .* `subnets`$"):
        Placement.from_vpc(stack, "Placement", vpc=vpc)


def test_our_vpc_and_topic_are_handed_on_as_cdks_own_types() -> None:
    stack = own_stack()
    key = kms.Key(stack, "Key")
    network = Network(
        stack, "Network", project=VISION, key=key, cidr="10.0.0.0/16", subnet_cidrs=("10.0.0.0/17", "10.0.128.0/17")
    )
    ec2.InterfaceVpcEndpoint(
        stack,
        "Own",
        vpc=network.vpc,
        service=ec2.InterfaceVpcEndpointAwsService.KMS,
        subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        security_groups=[network.security_group],
    )
    alerts = Alerts(stack, "Alerts", project=VISION, key=key)
    role = iam.Role(stack, "Teller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    alerts.topic.grant_publish(role)
    template = written(stack)
    endpoints = of_type(template, "AWS::EC2::VPCEndpoint").values()
    (endpoint,) = [one for one in endpoints if one["VpcEndpointType"] == "Interface"]
    assert [list(one) for one in endpoint["SubnetIds"]] == [["Ref"], ["Ref"]]
    assert "NetworkTraining" in json.dumps(endpoint["SecurityGroupIds"])
    (topic,) = of_type(template, "AWS::SNS::Topic")
    allowed = only(template, "AWS::IAM::Policy")
    assert actions(allowed) == {"sns:Publish"} and f'{{"Ref": "{topic}"}}' in json.dumps(allowed)


def test_the_subnets_of_a_vpc_that_is_not_ours_may_belong_to_another_account() -> None:
    """A VPC that is shared with this account: the ARNs of its subnets carry the owner's number."""
    stack = own_stack()
    vpc = vpc_of(stack, ec2.SubnetType.PRIVATE_ISOLATED)
    template = launched(stack, Placement.from_vpc(stack, "Placement", vpc=vpc))
    (in_vpc,) = [p for name, p in of_type(template, "AWS::IAM::ManagedPolicy").items() if "TrainingInVpc" in name]
    allowed = {str(one["Action"]): one for one in statements(in_vpc)}
    joins = next(one for action, one in allowed.items() if "CreateNetworkInterface" in action)
    assert sum(':*:subnet/"' in json.dumps(resource) for resource in joins["Resource"]) == 2
    limited = next(one for action, one in allowed.items() if "CreateNetworkInterfacePermission" in action)
    assert list(limited["Condition"]) == ["ArnLike"]
