"""The house's limits on a stack: below CloudFormation's, so that a full stack can still be changed."""

from collections.abc import Mapping

MOST: Mapping[str, int] = {"Parameters": 180, "Outputs": 180, "Resources": 450}
"""Below CloudFormation's 200, 200 and 500: a stack at its limit can no longer be changed."""

MOST_BYTES = 900 * 1000
"""Below CloudFormation's 1 MB."""
