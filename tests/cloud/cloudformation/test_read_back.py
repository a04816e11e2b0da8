"""An update in place is read back: what a provider passes over fails the deployment and names itself."""

from typing import Any

import pytest

from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import PROVIDERS, Made, Provider
from embedded.cloudformation.resources import Operator
from embedded.cloudformation.stack import Deployed, Inputs, Stack
from embedded.cloudformation.templates.template import Resource, parse

TYPE = "AWS::Test::Thing"


class Forgetful(Provider):
    """Takes a new Size and passes over a new Colour."""

    type = TYPE

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}

    def update(self, physical_id: str, old: Any, new: Any, ctx: Any) -> Made:
        self.answer["Size"] = new["Size"]
        return Made(physical_id=physical_id)

    def read(self, physical_id: str, props: Any, ctx: Any) -> Any:
        return dict(self.answer)


def changed(monkeypatch: pytest.MonkeyPatch, **to: Any) -> Stack:
    """A stack after an update from Size 1 and Colour red."""
    before = {"Size": 1, "Colour": "red"}
    provider = Forgetful()
    provider.answer = dict(before)
    monkeypatch.setitem(PROVIDERS, TYPE, provider)
    stack = Stack(name="s", arn="arn:s", account="1", region="r", partition="aws", status="UPDATE_IN_PROGRESS")
    inputs = Inputs(template=parse('{"Resources": {"Thing": {"Type": "AWS::Test::Thing"}}}'), parameters={}, tags={})
    old = Deployed(logical_id="Thing", type=TYPE, physical_id="id", properties=before, attributes={})
    resource = Resource(logical_id="Thing", type=TYPE, properties={})
    Operator(stack, inputs).update(resource, old, before | to)
    return stack


def test_an_update_that_arrives_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [event.status for event in changed(monkeypatch, Size=2).events][-1] == "UPDATE_COMPLETE"


def test_an_update_that_a_provider_passes_over_fails_and_names_the_property(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResourceError, match="does not change Colour of AWS::Test::Thing in place"):
        changed(monkeypatch, Size=2, Colour="blue")
