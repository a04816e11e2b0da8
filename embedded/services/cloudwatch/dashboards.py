"""Dashboards are global: every region of an account sees and changes the same ones. Moto keeps them by region."""

import functools
from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from embedded import moto_patches

_HOMES = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def _at_home(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method on the one backend that holds the dashboards of all regions of its partition."""

    @functools.wraps(method)
    def wrapper(self: CloudWatchBackend, *values: Any, **named: Any) -> Any:
        home = cloudwatch_backends[self.account_id][_HOMES.get(self.partition, "us-east-1")]
        return method(home, *values, **named)

    return wrapper


for _name in ("put_dashboard", "list_dashboards", "get_dashboard", "delete_dashboards"):
    moto_patches.replace(
        CloudWatchBackend,
        _name,
        _at_home(getattr(CloudWatchBackend, _name)),
        reason="dashboards are global, not region-specific",
    )
