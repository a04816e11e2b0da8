"""CloudFormation's pseudo parameters, read once: each read is a call into another process."""

import aws_cdk as cdk

PARTITION: str = cdk.Aws.PARTITION
REGION: str = cdk.Aws.REGION
ACCOUNT_ID: str = cdk.Aws.ACCOUNT_ID
URL_SUFFIX: str = cdk.Aws.URL_SUFFIX


def arn(service: str, resource: str) -> str:
    """An ARN in this account and region."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT_ID}:{resource}"
