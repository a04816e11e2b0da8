"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("alarms", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName")
inventory.listed("composite alarms", "cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName")
inventory.listed("dashboards", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName")
