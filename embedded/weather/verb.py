"""The admin verb `weather`, and the weather in the cloud's status."""

from collections.abc import Mapping
from typing import Any

from embedded.operations import Params, admin
from embedded.status import add_facts
from embedded.weather import forecast


@admin("weather")
def weather(params: Params) -> Mapping[str, Any]:
    """`{preset, name: value, ...}`: change conditions; without any, only show them."""
    preset = params.pop("preset", None)
    forecast.change(preset, params)
    return {"weather": forecast.summary(), "conditions": forecast.table()}


@add_facts
def facts() -> Mapping[str, Any]:
    """What `yard cloud status` shows."""
    return {"weather": forecast.summary()}
