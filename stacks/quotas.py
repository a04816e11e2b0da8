"""The quotas stack: each quota that the settings or the jobs ask for."""

from collections.abc import Iterable, Mapping

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.quotas import QuotaRequester, ServiceQuota
from shardyard.foundation.storage import Storage
from shardyard.spec.catalogue.quotas import needed_together
from shardyard.spec.jobs.job import JobSpec
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
        services = sorted({request.service for request in needed})
        requester = QuotaRequester(
            self,
            "Requester",
            project=self.project,
            key=storage.key,
            services=services,
            fail_when_pending=settings.quotas.fail_when_pending,
        )
        for number, (request, construct_id) in enumerate(_with_ids(needed).items()):
            quota = ServiceQuota(
                self,
                construct_id,
                name=request.name,
                at_least=request.at_least,
                service=request.service,
                requester=requester,
            )
            add_output(self, f"Quota{number + 1}", f"{request.name}: {quota.status}", "SUFFICIENT, GRANTED or PENDING")
            add_output(self, f"Quota{number + 1}Case", f"case {quota.case_id}", "The support case of a pending request")


def _with_ids(needed: tuple[QuotaRequest, ...]) -> Mapping[QuotaRequest, str]:
    """A construct id for each quota that stays the same when others come and go: its name, without what ids forbid."""
    return {request: "".join(part.capitalize() for part in _words(request)) for request in needed}


def _words(request: QuotaRequest) -> list[str]:
    kept = "".join(letter if letter.isalnum() else " " for letter in f"{request.service} {request.name}")
    return kept.split()


def merge(asked: tuple[QuotaRequest, ...], from_jobs: tuple[QuotaRequest, ...]) -> tuple[QuotaRequest, ...]:
    """Each quota once, with the highest value that anybody asks for."""
    highest: dict[tuple[str, str], QuotaRequest] = {}
    for request in (*asked, *from_jobs):
        key = (request.service, request.name)
        if key not in highest or highest[key].at_least < request.at_least:
            highest[key] = request
    return tuple(highest.values())


def needed_by(jobs: Iterable[JobSpec]) -> tuple[QuotaRequest, ...]:
    """What all jobs of a stage need when they run at once."""
    return tuple(QuotaRequest(name=name, at_least=amount) for name, amount in needed_together(jobs).items())
