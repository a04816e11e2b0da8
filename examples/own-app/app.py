#!/usr/bin/env python3
"""A team's own app: training jobs on the bucket, the network and the role that the team has already."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications

from shardyard.core.project import Project
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.images.job_image import JobImage
from shardyard.images.job_source import source_bundle
from shardyard.jobs.training_job import TrainingJob
from shardyard.spec.job_folder import load_jobs

ROOT = Path(__file__).parent


class TeamStack(cdk.Stack):
    """Two jobs, and a function that launches one of them when data arrives."""

    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        given = self.node.get_context
        bucket = s3.Bucket.from_bucket_name(self, "Bucket", given("bucket"))
        role = iam.Role.from_role_arn(self, "Role", given("role"))
        subnets = given("subnets")  # a private one by zone
        vpc = ec2.Vpc.from_vpc_attributes(
            self, "Vpc", vpc_id=given("vpc"), availability_zones=list(subnets), private_subnet_ids=[*subnets.values()]
        )

        project = Project(name="counting", stage="dev")
        storage = Storage.from_buckets(self, "Storage", data=bucket, artifacts=bucket)
        network = Placement.from_vpc(self, "Network", vpc=vpc)
        jobs = {
            spec.name: TrainingJob(
                self,
                spec.name,
                spec=spec,
                image=JobImage.of(self, spec, project=project, root=ROOT),
                source=None if spec.source is None else source_bundle(ROOT, spec.source.dir),
                project=project,
                data=storage,
                network=network,
                role=role,
            )
            for spec in load_jobs(ROOT / "jobs", project.stage, has_network=True, root=ROOT)
        }

        on_object = lambda_.Function(
            self,
            "OnObject",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(ROOT / "on_object")),
            environment={"MACHINE": jobs["count"].machine_arn},
        )
        jobs["count"].grant_launch(on_object)
        arrivals = s3.NotificationKeyFilter(prefix="words/")
        bucket.add_event_notification(s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(on_object), arrivals)


app = cdk.App()
TeamStack(app, "counting")
app.synth()
