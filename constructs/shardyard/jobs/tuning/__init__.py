"""A job's search: the state machine that launches it, beside the job's own."""
