"""Bucket policies are the guard's to enforce: moto 5.2.5 enforces them too, but without their conditions.

So `Deny unless aws:SecureTransport` would shut every bucket. The policy stays in moto's bucket, where GetBucketPolicy
finds it and log delivery is checked; only moto's own verdict is taken out.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from embedded import moto_patches


def _no_verdict(self: FakeBucket, action: str, resource: str) -> Any:
    return PermissionResult.NEUTRAL


moto_patches.replace(FakeBucket, "get_permission", _no_verdict, reason="its verdict leaves out conditions")
