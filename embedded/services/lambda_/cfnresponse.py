"""The module that Lambda puts beside code written in a template: a custom resource sends its answer with it.

Standard library only: it is copied into the function's zip.
"""

import json
import urllib.request
from typing import Any

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(
    event: dict[str, Any],
    context: Any,
    responseStatus: str,
    responseData: dict[str, Any] | None,
    physicalResourceId: str | None = None,
    noEcho: bool = False,
    reason: str | None = None,
) -> None:
    """Answer the stack; without a physical id the log stream's name stands for the thing."""
    where = context.log_stream_name
    answer = {
        "Status": responseStatus,
        "Reason": reason if reason is not None else f"See the details in CloudWatch Log Stream: {where}",
        "PhysicalResourceId": physicalResourceId if physicalResourceId is not None else where,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData if responseData is not None else {},
    }
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}
    )
    urllib.request.urlopen(request).close()
