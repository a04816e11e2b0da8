"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe("codebuild", wholly_ours=True, invalid="InvalidInputException")
