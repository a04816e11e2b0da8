"""The value of a secret of Secrets Manager, given by a person; it is never read back here."""

import re

from yard.aws import Aws
from yard.errors import Exit, UserError

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,400}")
_MOST_BYTES = 65_536
"""Secrets Manager's limit."""


def set_secret(aws: Aws, name: str, value: str) -> bool:
    """Give a secret a new value, and make it where there is none; whether it was made."""
    from botocore.exceptions import ClientError

    if _NAME.fullmatch(name) is None:
        raise UserError(f"{name!r} is no name of a secret: letters, digits and /_+=.@- only.", code=Exit.USAGE)
    if not value or len(value.encode()) > _MOST_BYTES:
        said = f"has {len(value.encode())} bytes, and Secrets Manager takes {_MOST_BYTES}" if value else "is empty"
        raise UserError(f"The value {said}.", f"Type it, or: yard secret set {name} < FILE")
    manager = aws.client("secretsmanager")
    try:
        manager.put_secret_value(SecretId=name, SecretString=value)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    else:
        return False
    settings = aws.project.settings
    tags = {**settings.tags, "project": settings.project, "stage": settings.stage}
    manager.create_secret(
        Name=name,
        Description="Given with yard secret set; jobs name it in [secrets]",
        SecretString=value,
        Tags=[{"Key": key, "Value": text} for key, text in tags.items()],
    )
    return True
