"""The settings for the account: quotas, budget, alerts, the cap of a launch, roles and tags."""

from collections.abc import Iterator
from dataclasses import dataclass

from shardyard.spec.errors import Problem
from shardyard.spec.tree import setting

EMAIL = r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+"
"""Catches typos; only a delivered message proves an address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaRequest:
    """One quota and its minimum."""

    name: str = setting(doc="The quota's name as the Service Quotas console shows it.", pattern=r"\S.{0,127}")
    at_least: float = setting(doc="The minimum; a higher value is never lowered.", least=1, most=10000)
    service: str = setting("sagemaker", "The service code.", pattern=r"[a-z0-9-]{1,63}", says="such as sagemaker")


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaSettings:
    """The deploy asks AWS to raise these quotas; none by default."""

    requests: tuple[QuotaRequest, ...] = setting((), "Each quota with its minimum.")
    from_jobs: bool = setting(False, "Also request what all jobs of this stage need at once.")
    fail_when_pending: bool = setting(False, "Fail the deploy while AWS has not granted a request.")


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetSettings:
    """The budget warns when the account costs more than this in a month."""

    monthly_usd: float = setting(
        100.0, "The monthly budget; alerts at 50, 80 and 100 percent and on the forecast.", least=1, most=100_000
    )
    tag_filter: str = setting(
        "",
        "`key=value`: count only what carries this tag. By default the whole account counts, because a tag covers "
        "nothing until someone activates it for billing.",
        pattern=r"([^=\s]{1,128}=[^=]{1,256})?",
        says="key=value",
    )
    per_owner: dict[str, float] = setting(
        doc="The most, in USD, that the launches of one owner may cost in a month, by owner; `*` is for every other "
        "one. Preflight refuses what does not fit. By default there is no such cap.",
        factory=dict,
        least=0.01,
        most=1_000_000,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertSettings:
    """Alerts go to one address, also when a running job looks wasted."""

    email: str = setting(
        "",
        "Receives the alerts and the budget's warnings; none by default.",
        pattern=f"({EMAIL})?",
        says="an e-mail address such as team@example.com",
    )
    low_gpu_percent: float = setting(10.0, "GPU use below this is low.", least=1, most=99)
    low_gpu_minutes: int = setting(30, "Minutes of low GPU use before an alarm.", least=5, most=1440)
    silent_minutes: int = setting(30, "Minutes without a log line before an alarm.", least=5, most=1440)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings:
    """These settings hold for all training jobs of the stage."""

    jobs: str = setting("jobs", "The folder of job files, relative to the project.", pattern=r"[\w./-]+")
    no_jobs: bool = setting(
        False, "The project has no jobs, or none any more: without this, an empty folder of jobs is refused."
    )
    cap_usd: float = setting(
        500.0,
        "Refuse a launch whose worst-case cost is higher; a job may set a lower cap.",
        least=0.01,
        most=100_000,
        formerly="max_cost_usd",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentitySettings:
    """These settings hold for the project's roles and for those who launch."""

    permissions_boundary: str = setting(
        "",
        "The ARN of a policy that bounds every role; none by default.",
        pattern=r"(arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]{1,512})?",
        says="the ARN of an IAM policy",
    )
    launch_tag: str = setting(
        "",
        "The key of the tag, of a person's role or session, that names the owner whose jobs that person may launch. "
        "With it the deploy makes a policy for people's roles, `<project>-<stage>-launch-<region>`; none by default.",
        pattern=r"([\w.:/=+@-]{1,128})?",
        says="up to 128 letters, digits and .:/=+@-",
    )


def tag_problems(tags: dict[str, str]) -> Iterator[Problem]:
    """The tags that AWS would refuse."""
    if len(tags) > 40:
        yield Problem("tags", f"{len(tags)} are not allowed (40 or fewer)")
    for key, value in tags.items():
        where = f"tags.{key}"
        if key.lower().startswith("aws:"):
            yield Problem(where, "a key that starts with 'aws:' belongs to AWS")
        if key in ("project", "stage", "owner"):
            yield Problem(where, f"is set by the setting {key!r}")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            yield Problem(where, "a key has 1 to 128 characters and a value up to 256")
