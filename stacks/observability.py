"""The observability stack: who is told, what is shown, what is watched, what a month may cost."""

from collections.abc import Sequence

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.core.parameters import Override
from shardyard.foundation.storage import Storage
from shardyard.observability.alerts import Alerts
from shardyard.observability.budget import MonthlyBudget
from shardyard.observability.dashboard import Dashboard
from shardyard.observability.job_alarms import JobAlarms
from shardyard.observability.job_watch import JobWatch, WatchLimits
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.settings import parameters
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack


class ObservabilityStack(ProjectStack):
    """Tells people what they should know."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        jobs: Sequence[LaunchedSpec],
        endpoints: Sequence[EndpointSpec] = (),
    ) -> None:
        super().__init__(scope, "observability", settings=settings, description="Alerts, dashboard, watchdog, budget")
        email = Override(self, "AlertEmail", parameter=parameters.ALERT_EMAIL, otherwise=settings.alerts.email or None)
        budget = Override(
            self,
            "MonthlyBudget",
            parameter=parameters.MONTHLY_BUDGET,
            otherwise=f"{settings.budget.monthly_usd:g}",
        )
        self.alerts = Alerts(
            self,
            "Alerts",
            project=self.project,
            key=storage.key,
            email=email.value if settings.alerts.email else email.reference,
            email_given=None if settings.alerts.email else email.given,
        )
        project, topic = self.project, self.alerts.resource
        limits = WatchLimits(
            low_gpu_percent=settings.alerts.low_gpu_percent,
            low_gpu_minutes=settings.alerts.low_gpu_minutes,
            silent_minutes=settings.alerts.silent_minutes,
        )
        self.dashboard = Dashboard(self, "Dashboard", project=project, jobs=jobs, endpoints=endpoints)
        JobWatch(self, "JobWatch", project=project, key=storage.key, topic=topic, limits=limits)
        JobAlarms(self, "JobAlarms", project=project, topic=topic, limits=limits)
        monthly = MonthlyBudget(
            self,
            "Budget",
            project=project,
            monthly_usd=budget.value,
            topic=topic,
            tag_filter=settings.budget.tag_filter or None,
        )
        monthly.resource.add_resource_dependency(self.alerts.publishers)
        add_output(self, "TopicArn", topic.ref, "Everything that a person should know is published here")
        add_output(self, "DashboardName", self.dashboard.name, "CloudWatch dashboard over all training jobs")
