"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe("logs", one_at_a_time=True, invalid="InvalidParameterException")
