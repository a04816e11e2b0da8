"""Alerts, budget, dashboard, and what watches jobs and sweeps up after them."""
