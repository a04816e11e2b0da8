"""The quotas stack: each quota that the settings or the jobs ask for."""

from collections.abc import Iterable

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.quotas import ServiceQuotas, WantedQuota
from shardyard.foundation.storage import Storage
from shardyard.spec.catalogue.quotas import needed_together
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.settings.account import QuotaRequest
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack


class QuotasStack(ProjectStack):
    """Asks AWS for what is missing; what was granted stays granted when the stack goes."""

    def __init__(
        self, scope: Construct, *, settings: Settings, storage: Storage, needed: tuple[QuotaRequest, ...]
    ) -> None:
        """`needed` is what the settings and the jobs ask for, each quota once."""
        super().__init__(scope, "quotas", settings=settings, description="Service quotas that training needs")
        # The id of the requester that stood for itself once: the function keeps its name, and with it answers the
        # deletion of the resources that each quota then had.
        quotas = ServiceQuotas(
            self,
            "Requester",
            project=self.project,
            key=storage.key,
            quotas=[WantedQuota(name=one.name, at_least=one.at_least, service=one.service) for one in needed],
            fail_when_pending=settings.quotas.fail_when_pending,
        )
        add_output(self, "Quotas", quotas.summary, "How many were high enough, were raised, and are undecided")
        add_output(self, "Pending", quotas.pending, "Quotas that AWS has not decided, with their support cases")


def merge(asked: tuple[QuotaRequest, ...], from_jobs: tuple[QuotaRequest, ...]) -> tuple[QuotaRequest, ...]:
    """Each quota once, with the highest value that anybody asks for."""
    highest: dict[tuple[str, str], QuotaRequest] = {}
    for request in (*asked, *from_jobs):
        key = (request.service, request.name)
        if key not in highest or highest[key].at_least < request.at_least:
            highest[key] = request
    return tuple(highest.values())


def needed_by(jobs: Iterable[LaunchedSpec]) -> tuple[QuotaRequest, ...]:
    """What all jobs of a stage need when they run at once."""
    return tuple(QuotaRequest(name=name, at_least=amount) for name, amount in needed_together(jobs).items())
