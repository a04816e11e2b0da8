"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe("service-quotas", signing_name="servicequotas")
