"""Pure Python, standard library only: what a job is, what is allowed, what it costs."""
