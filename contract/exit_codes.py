"""How a program, and the launcher after it, tells its caller how it ended; besides these, 0 is done and 1 failed."""

INTERRUPTED = 75
"""EX_TEMPFAIL: told to stop, everything is saved, start me again."""

REFUSED = 78
"""EX_CONFIG: asked for what cannot be. The same program would only refuse again."""

GUARDED = 79
"""A guard of the job ended the run: its loss is no number, or nothing moves. The same program would do it again."""
