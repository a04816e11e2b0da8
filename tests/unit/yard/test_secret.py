"""yard secret set: where the value comes from, and where it goes."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from yard.account.secrets import set_secret
from yard.commands import secret
from yard.errors import UserError


class Manager:
    def __init__(self, *known: str) -> None:
        self.known, self.made = {name: "" for name in known}, {}

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> None:
        if SecretId not in self.known:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutSecretValue")
        self.known[SecretId] = SecretString

    def create_secret(self, *, Name: str, **fields: Any) -> None:
        self.made[Name] = fields


def account(manager: Manager) -> Any:
    settings = SimpleNamespace(project="research", stage="dev", tags={"team": "vision"})
    return SimpleNamespace(client=lambda service: manager, project=SimpleNamespace(settings=settings))


def test_a_secret_that_is_there_gets_another_value() -> None:
    manager = Manager("team/wandb")
    assert not set_secret(account(manager), "team/wandb", "value")
    assert manager.known == {"team/wandb": "value"} and manager.made == {}


def test_one_that_is_not_is_made_and_carries_the_projects_tags() -> None:
    manager = Manager()
    assert set_secret(account(manager), "team/wandb", "value")
    made = manager.made["team/wandb"]
    assert made["SecretString"] == "value"
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {
        "team": "vision",
        "project": "research",
        "stage": "dev",
    }


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("a b", "value", "'a b' is no name of a secret: letters, digits and /_+=.@- only."),
        ("a", "", "The value is empty."),
        ("a", "x" * 65_537, "The value has 65537 bytes, and Secrets Manager takes 65536."),
    ],
)
def test_what_cannot_be_is_refused_without_the_value(name: str, value: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        set_secret(account(Manager()), name, value)
    assert caught.value.happened == says


@pytest.mark.parametrize("given", ["two\nlines", "two\nlines\n", "two\nlines\r\n"])
def test_standard_input_is_the_value_without_its_last_line_break(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    assert secret._value("a") == "two\nlines"
