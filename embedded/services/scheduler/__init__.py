"""EventBridge Scheduler: schedules that call a target."""
