"""The embedded cloud's settings."""

import pytest

from embedded import clock, settings
from embedded.operations import ServiceError


def test_settings_change_together_or_not_at_all() -> None:
    before = settings.as_dict()
    with pytest.raises(ServiceError, match="isolation: 'none' is none of auto, user, root, loopback"):
        settings.change({"metric_seconds": 1, "isolation": "none"})
    with pytest.raises(ServiceError, match="metric_seconds: -1 is negative"):
        settings.change({"metric_seconds": -1})
    assert settings.as_dict() == before


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "x", "", None, [], 10**400, float("nan"), "1e999"])
def test_what_is_no_number_is_refused_by_name(value: object) -> None:
    before = settings.as_dict()
    with pytest.raises(ServiceError, match=r"^metric_seconds: .* is not a (finite )?number$"):
        settings.change({"metric_seconds": value})
    with pytest.raises(ServiceError, match="the clock's rate must be a number from 1 to"):
        clock.read(value)
    assert settings.as_dict() == before
