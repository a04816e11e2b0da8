"""What Systems Manager does not say: that a parameter is missing is a code, without any words."""

from moto.ssm import models, responses
from moto.ssm.exceptions import ParameterNotFound

from embedded import moto_patches


class Wordless(ParameterNotFound):  # type: ignore[misc]
    """moto's error, without its message: what answers it looks for one here and in its text."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = None

    def __str__(self) -> str:
        return ""


for module in (models, responses):
    moto_patches.replace(
        module, "ParameterNotFound", Wordless, reason="AWS answers this error without a message (recorded 2023 to 2025)"
    )
