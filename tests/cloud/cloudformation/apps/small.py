"""A small app for the real command: what `-c` says changes, breaks or replaces something."""

import os

os.environ.setdefault("CDK_VALIDATION", "false")

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_ssm as ssm

app = cdk.App()


def context(name: str, default: str) -> str:
    """A value given with `-c`."""
    value = app.node.try_get_context(name)
    return default if value is None else str(value)


prefix = context("prefix", "small")
base = cdk.Stack(app, f"{prefix}-base")
bucket = s3.CfnBucket(base, "Bucket", versioning_configuration={"status": "Enabled"})
size = cdk.CfnParameter(base, "Size", default="", description="any text", max_length=5)
kept = ssm.CfnParameter(base, "Kept", type="String", value=f"{context('value', 'one')}-{size.value_as_string}")
s3_assets.Asset(base, "Asset", path=__file__)
inside = cdk.NestedStack(base, "Inside")
ssm.CfnParameter(inside, "Deep", type="String", value=f"{context('value', 'one')} of {bucket.ref}")
cdk.CfnOutput(base, "Value", value=kept.attr_value)
cdk.CfnOutput(base, "BucketName", value=bucket.ref)
if context("broken", "no") == "yes":
    broken = cdk.CfnResource(base, "Broken", type="AWS::Braket::Nothing")
    broken.add_resource_dependency(kept)

user = cdk.Stack(app, f"{prefix}-user")
ssm.CfnParameter(user, "Name", type="String", value=bucket.ref)
app.synth()
