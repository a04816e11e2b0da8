"""When something is due: the expressions of rules and schedules, and a watch that calls by them."""
