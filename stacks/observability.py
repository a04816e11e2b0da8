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
from shardyard.observability.job_watch import JobWatch
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.settings import parameters
from shardyard.spec.settings.settings import Settings
from stacks.base import ProjectStack


class ObservabilityStack(ProjectStack):
    """Tells people what they should know."""

    def __init__(self, scope: Construct, *, settings: Settings, storage: Storage, jobs: Sequence[JobSpec]) -> None:
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
            settings=settings,
            key=storage.key,
            email=email.value if settings.alerts.email else email.reference,
            email_given=None if settings.alerts.email else email.given,
        )
        topic_arn = self.alerts.topic.ref
        self.dashboard = Dashboard(self, "Dashboard", settings=settings, jobs=jobs)
        JobWatch(self, "JobWatch", settings=settings, key=storage.key, topic_arn=topic_arn)
        JobAlarms(self, "JobAlarms", settings=settings, topic_arn=topic_arn)
        MonthlyBudget(self, "Budget", settings=settings, monthly_usd=budget.value, topic_arn=topic_arn)
        add_output(self, "TopicArn", topic_arn, "Everything that a person should know is published here")
        add_output(self, "DashboardName", self.dashboard.name, "CloudWatch dashboard over all training jobs")
