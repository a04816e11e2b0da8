"""A CloudFormation template that runs a job's image, by its launcher, on one EC2 instance with a Deep Learning AMI."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contract import variables as contracted
from shardyard.spec import names
from shardyard.spec.jobs.code.bundle import bundle, sha256
from shardyard.spec.jobs.code.files import source_files
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.training import to_request
from yard.ec2.advice import LEAST_VOLUME_GB
from yard.errors import UserError
from yard.project import Project

_AMI = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
_MOST_USER_DATA = 16_384
_RUN = "ec2"
Json = dict[str, Any]


def code_bundle(project: Project, spec: JobSpec) -> tuple[str, bytes] | None:
    """The key in the artifact bucket at which the code must lie, and the code; None for a job without [source]."""
    if spec.source is None:
        return None
    packed = bundle(source_files(project.root, spec.source.dir))
    return names.source_key(sha256(packed)), packed


def build(project: Project, spec: JobSpec) -> Json:
    """The template; the request that SageMaker would get says what the container finds."""
    code = code_bundle(project, spec)
    deployment = Deployment(
        project=project.settings.project,
        stage=project.settings.stage,
        data_bucket="${DataBucket}",
        artifact_bucket="${ArtifactBucket}",
        role_arn="",
        image_uri="${ImageUri}",
    )
    bundled = spec if code is None else spec.with_source(sha256(code[1]))
    request = to_request(bundled, deployment, job_name=spec.name, run_id=f"{_RUN}-{spec.name}")
    kind = str(request["ResourceConfig"]["InstanceType"]).removeprefix("ml.")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The job {spec.name} of {project.settings.project} on one {kind}, by yard advise --where",
        "Parameters": _parameters(),
        "Resources": {
            "Role": _role(spec),
            "InstanceProfile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
            "SecurityGroup": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {
                    "GroupDescription": f"{spec.name}: lets nobody in",
                    "VpcId": {"Ref": "Vpc"},
                    "SecurityGroupEgress": [
                        {
                            "IpProtocol": "tcp",
                            "FromPort": 443,
                            "ToPort": 443,
                            "CidrIp": "0.0.0.0/0",
                            "Description": "S3, ECR",
                        }
                    ],
                },
            },
            "LaunchTemplate": _launch_template(project, spec, request, kind),
        },
        "Outputs": {
            "Start": {
                "Description": "Starts one instance, which ends with its program",
                "Value": {"Fn::Sub": "aws ec2 run-instances --launch-template LaunchTemplateId=${LaunchTemplate}"},
            }
        },
    }


def script(spec: JobSpec, request: Mapping[str, Any], *, ml: str = "/opt/ml", shutdown: str = "shutdown -h now") -> str:
    """The instance's start script, with the container's configuration in it; `ml` and `shutdown` are for a trial."""
    config = {
        "hyperparameters.json": request["HyperParameters"],
        "resourceconfig.json": {
            "current_host": "algo-1",
            "hosts": ["algo-1"],
            "network_interface_name": "lo",
            "current_instance_type": request["ResourceConfig"]["InstanceType"],
            "current_group_name": "homogeneousCluster",
            "instance_groups": [
                {
                    "instance_group_name": "homogeneousCluster",
                    "instance_type": request["ResourceConfig"]["InstanceType"],
                    "hosts": ["algo-1"],
                }
            ],
        },
        "inputdataconfig.json": {
            one["ChannelName"]: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
            for one in request.get("InputDataConfig", [])
        },
    }
    files = {f"input/config/{name}": json.dumps(content) for name, content in config.items()}
    # Checkpoints lie where SageMaker would bring them; the place in S3 is this script's
    variables = {name: value for name, value in request["Environment"].items() if name != contracted.CHECKPOINT_S3}
    files["environment"] = "".join(f"{name}={value}\n" for name, value in variables.items())
    text = (Path(__file__).parent / "start.sh").read_text(encoding="utf-8")
    filled = {
        "ML": ml,
        "SHUTDOWN": shutdown,
        "RESULTS": f"{names.run_prefix(f'{_RUN}-{spec.name}')}".rstrip("/"),
        "SECONDS": str(spec.limits.max_runtime_seconds),
        "FILES": "\n".join(_files(files)),
        "CHANNELS": "\n".join(_channels(request)),
    }
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


def user_data_bytes(text: str) -> int:
    """What counts against EC2's limit for user data."""
    return len(text.encode())


def _files(files: Mapping[str, str]) -> Iterator[str]:
    for name, content in files.items():
        packed = base64.b64encode(content.encode()).decode()
        yield f'echo {packed} | base64 --decode > "$ml/{name}"'


def _channels(request: Mapping[str, Any]) -> Iterator[str]:
    for one in request.get("InputDataConfig", []):
        uri, folder = one["DataSource"]["S3DataSource"]["S3Uri"], f"input/data/{one['ChannelName']}"
        verb = "cp" if uri.endswith(".zip") else "sync"
        yield f'mkdir -p "$ml/{folder}" && aws s3 {verb} --only-show-errors "{uri}" "$ml/{folder}/" || exit 1'


def _parameters() -> Json:
    def of(kind: str, says: str, default: str | None = None) -> Json:
        return {"Type": kind, "Description": says} | ({} if default is None else {"Default": default})

    return {
        "ImageUri": of("String", "The image, with its tag or digest: yard image push prints it"),
        "DataBucket": of("String", "The project's data bucket"),
        "ArtifactBucket": of("String", "The project's artifact bucket, which holds the code and gets the results"),
        "Key": of("String", "The ARN of the key that encrypts both buckets"),
        "Vpc": of("AWS::EC2::VPC::Id", "Where it runs"),
        "Subnet": of("AWS::EC2::Subnet::Id", "A subnet of it from which S3 and ECR are reached"),
        "Ami": of("AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "A Deep Learning AMI with docker", _AMI),
    }


def _role(spec: JobSpec) -> Json:
    def arn(bucket: str, keys: str = "") -> Json:
        return {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::${{{bucket}}}{keys}"}

    results = f"/{names.run_prefix(f'{_RUN}-{spec.name}')}*"
    statements = [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": [arn("DataBucket"), arn("ArtifactBucket")]},
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [arn("DataBucket", "/*"), arn("ArtifactBucket", "/source/*")],
        },
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": arn("ArtifactBucket", results)},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": {"Ref": "Key"}},
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": {"Fn::Sub": "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/*"},
        },
    ]
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "job", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
        },
    }


def _launch_template(project: Project, spec: JobSpec, request: Mapping[str, Any], kind: str) -> Json:
    text = script(spec, request)
    if user_data_bytes(text) > _MOST_USER_DATA:
        raise UserError(
            f"The start script has {user_data_bytes(text):,} bytes, and EC2 takes {_MOST_USER_DATA:,}.",
            "Fewer hyperparameters and variables: let the program read a file of its code.",
        )
    tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in request["Tags"]]
    volume = {"VolumeType": "gp3", "VolumeSize": max(spec.compute.volume_gb, LEAST_VOLUME_GB), "Encrypted": True}
    return {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {
            "LaunchTemplateName": f"{project.settings.project}-{project.settings.stage}-{spec.name}-ec2",
            "LaunchTemplateData": {
                "ImageId": {"Ref": "Ami"},
                "InstanceType": kind,
                "IamInstanceProfile": {"Arn": {"Fn::GetAtt": ["InstanceProfile", "Arn"]}},
                "InstanceInitiatedShutdownBehavior": "terminate",
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {**volume, "DeleteOnTermination": True}}],
                "NetworkInterfaces": [
                    {"DeviceIndex": 0, "SubnetId": {"Ref": "Subnet"}, "Groups": [{"Ref": "SecurityGroup"}]}
                ],
                "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
                "UserData": {"Fn::Base64": {"Fn::Sub": text}},
            },
        },
    }
