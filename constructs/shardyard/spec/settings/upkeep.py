"""The settings for upkeep: how long to keep things, and the search for leftovers."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.tree import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """What piles up expires after a while; data and models never do."""

    checkpoint_days: int = setting(30, "Days after which a run's checkpoints expire.", least=1, most=3650)
    old_version_days: int = setting(30, "Days to keep an overwritten or deleted object.", least=1, most=3650)
    unfinished_upload_days: int = setting(7, "Days after which an incomplete upload is removed.", least=1, most=365)
    access_log_days: int = setting(90, "Days to keep the buckets' access logs.", least=1, most=3650)
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653] = setting(
        90, "Days to keep log events; CloudWatch accepts only these values."
    )
    images: int = setting(20, "Number of images that a repository keeps.", least=1, most=1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class SweeperSettings:
    """The sweeper looks, on a schedule, for unused resources that bill."""

    enabled: bool = setting(True, "Look for leftovers.")
    stops: Literal["by-stage", "never", "always"] = setting(
        "by-stage",
        "Also delete endpoints and stop notebooks; by default in dev, while the other stages only get a report.",
    )
    every_hours: int = setting(6, "How often to look.", least=1, most=24)
    notebook_hours: int = setting(12, "A notebook that has run for longer is a leftover.", least=1, most=720)
    endpoint_idle_hours: int = setting(24, "An endpoint without a call for this long is a leftover.", least=1, most=720)
    job_hours: int = setting(72, "Report a job or a search that has run for longer.", least=1, most=672)
    stops_jobs: bool = setting(
        False, "Also stop such a job if `stops` allows it; work since its last checkpoint is lost."
    )
    warm_pool_minutes: int = setting(60, "Report a warm pool without a job for this long.", least=1, most=360)
    ends_warm_pools: bool = setting(
        False,
        "Also end such a warm pool if `stops` allows it; by default it lives until its keep-alive time is over.",
    )
