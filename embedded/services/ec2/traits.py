"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe(
    "ec2", one_at_a_time=True, modelled=False, missing=("MissingParameter", "The request must contain the parameter {}")
)
