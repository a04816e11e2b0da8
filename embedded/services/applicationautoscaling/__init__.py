"""Application Auto Scaling: targets, policies and schedules that change how many instances a variant has."""
