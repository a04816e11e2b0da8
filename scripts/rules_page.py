"""The page docs/reference/rules.md, from the rules themselves, so that it cannot go stale."""

from shardyard.spec.rules import RULES, Rule

GROUPS = {
    "machines": "Machines",
    "times": "Time, spot and warm pools",
    "accelerators": "GPUs",
    "data": "Data and checkpoints",
    "limits": "Numbers and lengths",
    "networking": "Network",
    "programs": "Images and programs",
}
"""The modules of shardyard.spec.rules, in the order of the page."""


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# Rules",
        "",
        f"{len(RULES)} things must hold before a job is launched. The same rules run when the templates are made, in",
        "`yard check`, and in the preflight of every launch, where an execution's input and more facts are known: how",
        "many objects a channel has, whether the project has a VPC. A fact that is not known yet is never complained",
        "about. Each fallback of a job is checked like the job itself.",
        "",
        "Limits of a single value (a number out of range, a wrong word) are on [the job file's page](job-file.md).",
        "Quotas, the cost cap and the existence of the image are preflight's own checks.",
        "",
        "Written from `constructs/shardyard/spec/rules/` by `make docs`; a test fails when it is out of date.",
    ]
    for module, title in GROUPS.items():
        rules = [rule for rule in RULES.values() if rule.check.__module__.endswith(f".{module}")]
        lines += ["", f"## {title}", ""]
        lines += [line for rule in sorted(rules, key=lambda rule: rule.name) for line in _said(rule)]
    return "\n".join(lines).rstrip() + "\n"


def _said(rule: Rule) -> list[str]:
    return [f"**{rule.name}**: {rule.sentence} {rule.reason}", f"Source: {rule.source}.", ""]
