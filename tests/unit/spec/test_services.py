"""The service map refuses what is gone, names what replaces it, and its page is up to date."""

import pytest

from shardyard.spec import services


def test_a_retired_service_is_refused_with_its_replacement() -> None:
    assert services.refusal("edge-manager") == (
        "Edge Manager (devices and device fleets) is retired (2024-04-26); "
        "use ONNX or ExecuTorch with AWS IoT Greengrass"
    )


def test_an_available_service_is_not_refused() -> None:
    assert services.refusal("training") is None


def test_an_unknown_service_names_the_nearest() -> None:
    assert services.refusal("edge-manger") == "'edge-manger' is not on the service map; did you mean 'edge-manager'?"


@pytest.mark.parametrize("service", services.SERVICES, ids=lambda service: service.key)
def test_whatever_cannot_be_had_says_what_replaces_it_and_who_says_so(service: services.Service) -> None:
    assert service.source
    assert service.state == "available" or service.instead


def test_keys_are_unique() -> None:
    assert len(services.BY_KEY) == len(services.SERVICES)
