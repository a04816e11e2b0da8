"""The embedded cloud's settings."""

import pytest

from embedded import settings
from embedded.operations import ServiceError


def test_settings_change_together_or_not_at_all() -> None:
    before = settings.as_dict()
    with pytest.raises(ServiceError, match="isolation: 'none' is none of auto, user, root, loopback"):
        settings.change({"metric_seconds": 1, "isolation": "none"})
    with pytest.raises(ServiceError, match="metric_seconds: -1 is negative"):
        settings.change({"metric_seconds": -1})
    assert settings.as_dict() == before
