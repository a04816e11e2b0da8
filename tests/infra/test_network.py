"""The network: isolated, with S3's gateway endpoint, a group for EFA, flow logs; or an existing one; or none."""

import json
from tempfile import mkdtemp

import aws_cdk as cdk

from checks.rules.model import Assembly
from checks.scenarios import contexts
from shardyard.foundation.security_group import PRIVATE_RANGES
from shardyard.spec.settings.settings import Settings
from stacks.build import build_foundation
from tests.support.templates import Scenario, one
from tests.support.training_stack import of_type, read

GROUP = "NetworkTraining"


def test_nothing_leads_out_of_the_vpc(dev: Assembly) -> None:
    types = {resource.type for resource in dev.resources()}
    ways_out = ("InternetGateway", "NatGateway", "VPNGateway", "EgressOnlyInternetGateway", "TransitGatewayAttachment")
    assert not [type_ for type_ in types if type_.removeprefix("AWS::EC2::") in ways_out]
    assert "AWS::EC2::Route" not in types
    assert {s.properties["MapPublicIpOnLaunch"] for s in dev.resources("AWS::EC2::Subnet")} == {False}


def test_each_subnet_has_its_own_zone_and_range(dev: Assembly) -> None:
    subnets = [subnet.properties for subnet in dev.resources("AWS::EC2::Subnet")]
    assert len(subnets) == 2
    assert len({json.dumps(subnet["AvailabilityZone"]) for subnet in subnets}) == 2
    assert {subnet["CidrBlock"] for subnet in subnets} == {"10.42.0.0/17", "10.42.128.0/17"}


def test_zones_are_taken_by_name_or_id() -> None:
    app = cdk.App(outdir=mkdtemp())
    build_foundation(app, Settings.from_context({"network.zone_names": "us-east-1c,use1-az4"}))
    subnets = of_type(read(app, "shardyard-dev-network"), "AWS::EC2::Subnet").values()
    zones = [{key: subnet[key] for key in subnet if key.startswith("Availability")} for subnet in subnets]
    assert zones == [{"AvailabilityZone": "us-east-1c"}, {"AvailabilityZoneId": "use1-az4"}]


def test_s3_is_reached_by_the_free_gateway_endpoint_alone(dev: Assembly) -> None:
    (endpoint,) = dev.resources("AWS::EC2::VPCEndpoint")
    assert endpoint.properties["VpcEndpointType"] == "Gateway"
    assert json.dumps(endpoint.properties["ServiceName"]).endswith('.s3"]]}')
    assert len(endpoint.properties["RouteTableIds"]) == 1


def test_through_the_endpoint_only_this_account_writes_and_only_to_its_own_buckets(dev: Assembly) -> None:
    (endpoint,) = dev.resources("AWS::EC2::VPCEndpoint")
    account = {"Ref": "AWS::AccountId"}
    anyone, ours = 0, 0
    for statement in endpoint.properties["PolicyDocument"]["Statement"]:
        if "Condition" in statement:
            both = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
            assert statement["Condition"] == {"StringEquals": both}
            ours += 1
        else:
            assert statement["Action"] == ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"]
            anyone += 1
    assert (ours, anyone) == (1, 1)


def test_endpoints_have_the_names_that_they_have_in_china(everything: Assembly) -> None:
    names = {
        endpoint.logical_id: json.dumps(endpoint.properties["ServiceName"])
        for endpoint in everything.resources("AWS::EC2::VPCEndpoint")
    }
    chosen = json.dumps({"Fn::If": ["OutsideChina", "com.amazonaws", "cn.com.amazonaws"]})
    with_prefix = {name.rsplit(".", 1)[1].split('"')[0] for name in names.values() if chosen in name}
    assert with_prefix == {"api", "dkr", "monitoring", "runtime", "states", "sts"}
    assert not any(chosen in name for name in names.values() if name.endswith(('.s3"]]}', '.logs"]]}', '.kms"]]}')))


def test_the_group_lets_everything_pass_to_and_from_itself(dev: Assembly) -> None:
    group = one(dev, "AWS::EC2::SecurityGroup", GROUP)
    itself = {"Fn::GetAtt": [group.logical_id, "GroupId"]}
    ingress = one(dev, "AWS::EC2::SecurityGroupIngress", "NetworkTraining").properties
    egress = one(dev, "AWS::EC2::SecurityGroupEgress", "NetworkTraining").properties
    assert (ingress["GroupId"], ingress["SourceSecurityGroupId"], ingress["IpProtocol"]) == (itself, itself, "-1")
    assert (egress["GroupId"], egress["DestinationSecurityGroupId"], egress["IpProtocol"]) == (itself, itself, "-1")


def test_nobody_else_comes_in_and_only_https_goes_out(dev: Assembly) -> None:
    group = one(dev, "AWS::EC2::SecurityGroup", GROUP).properties
    assert "SecurityGroupIngress" not in group
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [(443, 443)]


def test_the_group_reaches_the_file_systems_that_channels_mount() -> None:
    """They need not carry the group, and HTTPS alone would not reach them."""
    for network, where in (("new", {"10.42.0.0/16"}), ("existing", set(PRIVATE_RANGES))):
        app = cdk.App(outdir=mkdtemp())
        context = {} if network == "new" else contexts()["existing VPC"]
        build_foundation(app, Settings.from_context(context), file_systems=["EFS", "FSxLustre"])
        template = read(app, "shardyard-dev-network")
        (group,) = (g for name, g in of_type(template, "AWS::EC2::SecurityGroup").items() if name.startswith(GROUP))
        rules = [rule for rule in group["SecurityGroupEgress"] if rule["FromPort"] != 443]
        assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(988, 988), (1018, 1023), (2049, 2049)}
        assert {rule["CidrIp"] for rule in rules} == where
        assert len(rules) == 3 * len(where) and {rule["IpProtocol"] for rule in rules} == {"tcp"}
        called = {(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]}
        assert called == {(988, 988), (1018, 1023)}, "Lustre's servers call their clients"


def test_managed_mlflow_has_an_endpoint_of_another_name(everything: Assembly) -> None:
    services = [json.dumps(e.properties["ServiceName"]) for e in everything.resources("AWS::EC2::VPCEndpoint")]
    assert json.dumps({"Fn::Join": ["", ["aws.sagemaker.", {"Ref": "AWS::Region"}, ".experiments"]]}) in services


def test_only_our_group_reaches_the_endpoints_and_only_by_https(everything: Assembly) -> None:
    ours = one(everything, "AWS::EC2::SecurityGroup", GROUP)
    group = one(everything, "AWS::EC2::SecurityGroup", "NetworkEndpoints")
    (rule,) = group.properties["SecurityGroupIngress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [ours.logical_id, "GroupId"]}
    assert "CidrIp" not in rule
    assert [egress["CidrIp"] for egress in group.properties["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_flow_logs_are_encrypted_with_our_key(dev: Assembly) -> None:
    (flow_log,) = dev.resources("AWS::EC2::FlowLog")
    group = dev.target(flow_log.stack, flow_log.properties["LogGroupName"])
    assert group is not None
    key = dev.target(group.stack, group.properties["KmsKeyId"])
    assert key is not None and key.type == "AWS::KMS::Key"
    assert flow_log.properties["TrafficType"] == "ALL"


def test_our_handler_closes_the_default_group(dev: Assembly) -> None:
    (closer,) = dev.resources("Custom::DefaultSecurityGroup")
    (vpc,) = dev.resources("AWS::EC2::VPC")
    assert closer.properties["GroupId"] == {"Fn::GetAtt": [vpc.logical_id, "DefaultSecurityGroup"]}


def test_interface_endpoints_stand_in_one_zone_in_dev_and_in_all_in_prod(scenario: Scenario) -> None:
    for name, zones in (("everything on", 1), ("everything on, prod", 3)):
        endpoints = [
            endpoint.properties
            for endpoint in scenario(name).assembly.resources("AWS::EC2::VPCEndpoint")
            if endpoint.properties["VpcEndpointType"] == "Interface"
        ]
        assert len(endpoints) == 14
        assert {len(endpoint["SubnetIds"]) for endpoint in endpoints} == {zones}
        assert {endpoint["PrivateDnsEnabled"] for endpoint in endpoints} == {True}


def test_notebooks_bring_the_endpoint_without_which_they_cannot_stop(everything: Assembly) -> None:
    services = [json.dumps(e.properties["ServiceName"]) for e in everything.resources("AWS::EC2::VPCEndpoint")]
    assert any(service.endswith('.sagemaker.api"]]}') for service in services)


def test_an_existing_vpc_only_gets_our_group(scenario: Scenario) -> None:
    assembly = scenario("existing VPC").assembly
    types = {r.type for r in assembly.resources() if r.stack.endswith("-network")}
    assert types == {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SecurityGroupEgress",
    }
    assert one(assembly, "AWS::EC2::SecurityGroup", GROUP).properties["VpcId"] == "vpc-0123456789abcdef0"


def test_without_a_network_there_is_no_network_stack(scenario: Scenario) -> None:
    for name in ("existing VPC and group", "no VPC"):
        assert not [stack for stack in scenario(name).assembly.templates if stack.endswith("-network")]


def test_nothing_is_looked_up(scenario: Scenario) -> None:
    for name in ("dev", "existing VPC"):
        manifest = json.loads((scenario(name).folder / "manifest.json").read_text())
        assert not manifest.get("missing")
