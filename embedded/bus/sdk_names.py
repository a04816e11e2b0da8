"""How SDK tasks of Step Functions and SDK targets of Scheduler name the services: `cloudwatchlogs` in a resource.

Step Functions begins the name of an error with `CloudWatchLogs.`. Both follow from the service ids in botocore's
models, so no service has to be listed here: a resource has the id in lower case, and errors begin with the client's
name in the SDK for Java, which is the id in Pascal case.
"""

import re
from functools import cache

from botocore.session import get_session
from botocore.utils import CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES
from moto.core.utils import get_service_model

_OPTIMISED = {"states": "stepfunctions"}
"""Step Functions itself, as a task that is not one of the SDK's."""


def client_name(name: str) -> str:
    """botocore's name of the service that a resource names."""
    return _clients().get(name.lower(), name)


def error_prefix(name: str) -> str:
    """What an error's name begins with, for the service that a resource names."""
    text = re.sub(r"[^A-Za-z0-9]+", " ", str(get_service_model(client_name(name)).metadata["serviceId"]))
    text = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2", text)  # SESv2
    text = re.sub(r"(?<=[a-z])(?=[A-Z][A-Za-z0-9])", " ", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
    text = re.sub(r"([0-9])([A-Za-z])", r"\1 \2", text)
    return "".join(word.capitalize() for word in text.split())


@cache
def _clients() -> dict[str, str]:
    ids = CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES
    names = get_session().get_available_services()
    return {ids.get(name, name).replace("-", ""): name for name in names} | _OPTIMISED
