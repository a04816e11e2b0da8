"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe(
    "sns", modelled=False, missing=("InvalidParameter", "Invalid parameter: {} Reason: no value for required parameter")
)
