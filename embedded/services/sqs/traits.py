"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe("sqs", modelled=False, missing=("MissingParameter", "The request must contain the parameter {}."))
