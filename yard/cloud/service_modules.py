"""Which modules bring the embedded cloud's own operations; each registers itself when it is imported."""

MODULES: tuple[str, ...] = (
    "yard.cloud.training.api",
    "yard.cloud.status",
    "yard.cloud.sessions",
    "yard.cloud.bucket_policies",
    "yard.cloud.bucket_logging",
    "yard.cloud.log_search",
    "yard.cloud.access_logs",
    "yard.cloud.cloudformation.api",
    "yard.cloud.verify",
    "yard.cloud.inventory",
    "yard.cloud.functions",
    "yard.cloud.notebooks",
    "yard.cloud.budget_updates",
    "yard.cloud.model_package_groups",
    "yard.cloud.policy_simulation",
    "yard.cloud.references",
    "yard.cloud.machines",
    "yard.cloud.events",
    "yard.cloud.messages",
    "yard.cloud.alarms",
    "yard.cloud.quotas",
    "yard.cloud.pricing",
)
"""One line each. A name that cannot be imported stops the start: a cloud without one of its parts would lie."""
