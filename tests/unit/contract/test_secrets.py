"""References to secrets: what one is, and how a request carries it."""

import pytest

from contract import secrets

ARN = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/wandb-a1B2c3"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("secret:wandb", ("wandb", None)),
        ("secret:team/wandb#api_key", ("team/wandb", "api_key")),
        (f"secret:{ARN}", (ARN, None)),
        (f"secret:{ARN}#key", (ARN, "key")),
    ],
)
def test_a_reference_names_a_secret_and_perhaps_a_key(text: str, reference: tuple[str, str | None]) -> None:
    assert secrets.parse(text) == reference


@pytest.mark.parametrize(
    "text",
    ["", "secret:", "0123456789abcdef", "secret:a b", "secret:a#", "secret:arn:aws:s3:::x", "secret:" + "x" * 600],
)
def test_what_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="no reference to a secret") as caught:
        secrets.parse(text)
    assert text[:16] not in str(caught.value) or len(text) < 9


def test_variables_carry_references_and_the_names_of_values() -> None:
    carried = secrets.encode({"WANDB_API_KEY": "secret:wandb#key"})
    assert carried == {"SHARDYARD_SECRET_WANDB_API_KEY": "secret:wandb#key"}
    assert secrets.decode({**carried, "OTHER": "x"}) == {"WANDB_API_KEY": ("wandb", "key")}
    assert secrets.values(carried) == {}
    assert secrets.values({**carried, "WANDB_API_KEY": "v"}) == {"WANDB_API_KEY": "v"}
    with pytest.raises(ValueError, match="SHARDYARD_SECRET_X: it is no reference"):
        secrets.decode({"SHARDYARD_SECRET_X": "value"})
