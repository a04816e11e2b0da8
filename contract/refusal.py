"""What a program raises when it was asked for what cannot be."""


class Refused(ValueError):
    """A request that no restart can heal; the message says why and what to change."""


class RequestError(Exception):
    """A request to a served model is wrong; unlike any other error, its message goes to the client."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def is_refusal(error: BaseException | None) -> bool:
    """Whether an exception, or one that it was raised from, is a refusal."""
    while error is not None:
        if isinstance(error, Refused):
            return True
        error = error.__cause__
    return False
