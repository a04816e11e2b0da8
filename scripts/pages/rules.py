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
    "secrets": "Secrets",
    "tensorflow": "TensorFlow",
    "builtin": "Built-in algorithms",
    "tuning.ranges": "Searches: ranges",
    "tuning.strategy": "Searches: strategy",
    "tuning.limits": "Searches: numbers",
    "tuning.trials": "Searches: trials",
    "processing": "Processing jobs",
    "processing_data": "Inputs and outputs of processing jobs",
    "endpoints.kinds": "Endpoints: kinds",
    "endpoints.variants": "Endpoints: variants",
    "endpoints.scaling": "Endpoints: scaling",
    "endpoints.rollout": "Endpoints: deployments and alarms",
    "endpoints.places": "Endpoints: region, variables and cost",
    "transform.jobs": "Transform jobs",
    "transform.builtin": "Built-in algorithms in transform jobs",
    "transform.requests": "Requests of transform jobs",
    "transform.data": "Inputs and outputs of transform jobs",
    "transform.filters": "Filters and joins of transform jobs",
    "automl.jobs": "AutoML jobs",
    "automl.problems": "What AutoML jobs learn",
    "automl.series": "Forecasts of AutoML jobs",
    "automl.data": "Inputs of AutoML jobs",
}
"""The modules of shardyard.spec.rules, in the order of the page."""


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# Rules",
        "",
        f"{len(RULES)} things must hold before a job is launched, or an endpoint deployed. The same rules run when",
        "the templates are made, in `yard check`, and in the preflight of every launch, where an execution's input and",
        "more facts are known: how many objects a channel has, whether the project has a VPC. A fact that is not known",
        "yet is never complained about. Each fallback of a job is checked like the job itself.",
        "",
        "Limits of a single value (a number out of range, a wrong word) are on [the job file's page](job-file.md).",
        "Quotas, the cost cap and the existence of the image are preflight's own checks.",
        "",
        "Written from `constructs/shardyard/spec/rules/` by `make docs`; a test fails when it is out of date.",
    ]
    left_out = [name for name, rule in RULES.items() if rule.check.__module__.partition(".rules.")[2] not in GROUPS]
    if left_out:
        raise ValueError(f"no group of the page has the rules {', '.join(left_out)}: name their module in GROUPS")
    for module, title in GROUPS.items():
        rules = [rule for rule in RULES.values() if rule.check.__module__.endswith(f".rules.{module}")]
        lines += ["", f"## {title}", ""]
        lines += [line for rule in sorted(rules, key=lambda rule: rule.name) for line in _said(rule)]
    return "\n".join(lines).rstrip() + "\n"


def _said(rule: Rule) -> list[str]:
    return [f"**{rule.name}**: {rule.sentence} {rule.reason}", f"Source: {rule.source}.", ""]
