"""Which training jobs need not run to their end: pure functions of the objective's values so far."""
