"""Refusals of form posts, as S3 writes them."""

from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


class Refused(Exception):
    """A form that S3 does not take."""

    def __init__(self, code: str, message: str, status: int = 400, **more: str) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.more = code, message, status, more

    def response(self) -> Response:
        """The refusal as S3 answers it."""
        fields = {"Code": self.code, "Message": self.message, **self.more}
        inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'
        return Response(text, status=self.status, content_type="application/xml")


def denied(message: str) -> Refused:
    """What the policy does not allow."""
    return Refused("AccessDenied", f"Invalid according to Policy: {message}", 403)


def invalid_policy(message: str) -> Refused:
    """A policy that cannot be read."""
    return Refused("InvalidPolicyDocument", f"Invalid Policy: {message}")


def missing(name: str) -> Refused:
    """A form without a field that it needs."""
    text = (
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    )
    return Refused("InvalidArgument", text, ArgumentName=name, ArgumentValue="")
