"""When a run that wastes its instances is ended: what a job may say, and what holds where it says nothing."""

LONGEST_SILENCE_SECONDS = 7200
"""The default: no line of output from any rank, and no file of a result. A tenth of the default of `max_runtime`.

Programs that speak once an epoch are silent for an hour at times, hardly for two. A hang costs two hours of the
instances then, not a day of them.
"""
