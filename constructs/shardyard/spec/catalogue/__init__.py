"""Dated facts about AWS: instances, images, prices, quotas, services."""
