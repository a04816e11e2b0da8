"""Who logs in to the registry with a password that the cloud has not given out."""

import base64

import pytest

from embedded.services.ecr.registry import tokens


@pytest.mark.parametrize("password", ["", "x", "e30.00", "e30.é", ".", "\x00.\x00", "a" * 100_000])
def test_any_other_password_is_no_entry_and_no_error(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens.clients, "owner_secret", lambda: "secret")
    given = base64.b64encode(f"AWS:{password}".encode()).decode()
    for authorization in (f"Basic {given}", f"Bearer {given}", given, "", "Basic ***", "Basic /w=="):
        with pytest.raises(tokens.NoEntry):
            tokens.client_of(authorization)
