"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe("application-autoscaling", wholly_ours=True, invalid="ValidationException")
