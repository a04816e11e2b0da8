"""Kinds of the inventory come from the services' folders."""

from collections.abc import Iterator

import pytest

from embedded import inventory


def test_a_kind_that_a_service_registers_is_listed_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "_kinds", {})

    @inventory.kind("shelves")
    def shelves(account: str, region: str) -> Iterator[str]:
        yield from (f"{account}/b", f"{region}/a")

    @inventory.kind("empty rooms")
    def rooms(account: str, region: str) -> Iterator[str]:
        yield from ()

    assert inventory.kinds() == ["empty rooms", "shelves"]
    assert inventory.inventory("1", "eu-west-1") == {"shelves": ["1/b", "eu-west-1/a"]}


def test_two_services_cannot_register_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "_kinds", {})
    inventory.listed("shelves", "s3", "list_buckets", "Buckets", "Name")
    with pytest.raises(ValueError, match="the inventory has a kind 'shelves' already"):
        inventory.listed("shelves", "sns", "list_topics", "Topics", "TopicArn")
