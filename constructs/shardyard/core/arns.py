"""CloudFormation's pseudo parameters, read once: each read is a call into another process."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces.aws_kms import IKeyRef
from aws_cdk.interfaces.aws_sns import ITopicRef

PARTITION: str = cdk.Aws.PARTITION
REGION: str = cdk.Aws.REGION
ACCOUNT_ID: str = cdk.Aws.ACCOUNT_ID
URL_SUFFIX: str = cdk.Aws.URL_SUFFIX


def arn(service: str, resource: str, *, region: str = REGION, account: str = ACCOUNT_ID) -> str:
    """An ARN, in this account and region unless others are given; IAM's have no region."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def bucket_arn(bucket: str) -> str:
    """A bucket's ARN, which has neither region nor account."""
    return arn("s3", bucket, region="", account="")


def key_arn(key: IKeyRef) -> str:
    """A key's ARN: of one of ours, of `kms.Key`, of an imported one."""
    # The interface takes two calls into another process, and every function, topic and bucket asks.
    return key.attr_arn if isinstance(key, kms.CfnKey) else key.key_ref.key_arn


def topic_arn(topic: ITopicRef) -> str:
    """A topic's ARN: of one of ours, of `sns.Topic`, of an imported one."""
    return topic.ref if isinstance(topic, sns.CfnTopic) else topic.topic_ref.topic_arn
