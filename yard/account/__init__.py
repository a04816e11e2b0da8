"""The account: what is deployed, what it costs, its quotas, and how a project is removed."""
