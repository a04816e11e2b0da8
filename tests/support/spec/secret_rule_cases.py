"""A good and a bad job for each rule about secrets, with the exact refusal, which repeats no value."""

from tests.support.spec.rule_cases import Case

_IN_THE_OPEN = (
    "it stands in the template, the request and the receipt for everyone to read: put it into Secrets Manager (yard "
    "secret set NAME) and name it in [secrets]; if it is no secret, name it in not_secret"
)

SECRETS = [
    Case(
        rule="secret-references",
        good={"secrets": {"WANDB_API_KEY": "secret:team/wandb#api_key"}},
        bad={"secrets": {"WANDB_API_KEY": "0123456789abcdef"}},
        says='secrets.WANDB_API_KEY: it is no reference to a secret (such as "secret:team/wandb", or '
        '"secret:team/wandb#api_key" for a key of a JSON secret)',
    ),
    Case(
        rule="secrets-need-the-launcher",
        good={"secrets": {"WANDB_API_KEY": "secret:wandb"}},
        bad={
            "secrets": {"WANDB_API_KEY": "secret:wandb"},
            "image": {"folder": None, "repository": "r", "tag": "1"},
            "program": None,
        },
        says="secrets: the launcher reads them for the program that it starts (add [program])",
    ),
    Case(
        rule="no-secret-in-the-open",
        good={"environment": {"CACHE_NAME": "x"}, "hyperparameters": {"max_tokens": 512}},
        bad={"environment": {"WANDB_API_KEY": "0123456789abcdef"}},
        says=f"environment.WANDB_API_KEY: it looks like a secret, and {_IN_THE_OPEN}",
    ),
]
