"""The page docs/reference/security-hub.md, from the rules themselves."""

from checks.rules.security_hub import ACCEPTED, BUILT, CONTROLS


def as_markdown() -> str:
    """The whole page."""
    built = sum(control.type in BUILT for control in CONTROLS)
    lines = [
        "# Security Hub's SageMaker controls",
        "",
        f"Security Hub CSPM has {len(CONTROLS)} controls for SageMaker. Each is a rule of ours on templates",
        "(`checks/rules/security_hub.py`), with a template that passes and one that fails in",
        "`tests/unit/checks/test_security_hub.py`. `make check` runs all of them on every template of the app.",
        "",
        f"{built} are about resources that this project makes. The others wait for theirs: the rule is there, so",
        "that the resource cannot come without it.",
        "",
        "| control | what it asks for | resource | met by |",
        "| --- | --- | --- | --- |",
        *(
            f"| {control.id} | {control.title} | `AWS::SageMaker::{control.type}` "
            f"| {BUILT.get(control.type, 'no such resource here yet')} |"
            for control in CONTROLS
        ),
        "",
        "Two of them are accepted where they find something:",
        "",
        *(f"- SageMaker.{number}: {accepted.reason}" for number, accepted in ACCEPTED.items()),
        "",
        "With `notebooks.git_access = direct` a notebook has direct internet access. That breaks SageMaker.1, and",
        "`make check` says so: it is a setting that someone has to want.",
        "",
        "Written by `make docs`; a test fails when it is out of date.",
    ]
    return "\n".join(lines) + "\n"
