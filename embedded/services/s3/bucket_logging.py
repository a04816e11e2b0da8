"""Access logging of buckets: S3 takes the setting and delivers later, or never; moto asks for the grant beforehand.

`access_logs.py` delivers, and drops what the log bucket does not let in; a rule on the templates holds the grant.
"""

from moto.s3.models import FakeBucket, s3_backends
from moto.utilities.utils import get_partition

from embedded.operations import Call, Params, ServiceError, operation


@operation("s3", "PutBucketLogging")
def put_bucket_logging(call: Call, params: Params) -> Params:
    """Keep the setting; the target must be a bucket of the same account and region."""
    source = _bucket(call, params["Bucket"], ServiceError("NoSuchBucket", "The specified bucket does not exist", 404))
    enabled = params["BucketLoggingStatus"].get("LoggingEnabled")
    if not enabled:
        source.logging = {}
        return {}
    missing = ServiceError("InvalidTargetBucketForLogging", "The target bucket for logging does not exist")
    target = _bucket(call, enabled["TargetBucket"], missing)
    if target.region_name != source.region_name:
        raise ServiceError("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed", 403)
    source.logging = {"TargetBucket": target.name, "TargetPrefix": enabled.get("TargetPrefix", "")}
    return {}


def _bucket(call: Call, name: str, otherwise: ServiceError) -> FakeBucket:
    found = s3_backends[call.account][get_partition(call.region)].buckets.get(name)
    if found is None:
        raise otherwise
    return found
