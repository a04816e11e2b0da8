"""Lists of functions and versions: they tell less of each than the function itself, which moto 5.2.5 does not know."""

import json
from collections.abc import Callable

from moto.awslambda.responses import LambdaResponse

from embedded import moto_patches

_WITHHELD = (
    *("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"),
    *("RuntimeVersionConfig", "State", "StateReason", "StateReasonCode"),
)
"""What the API reference of ListFunctions sends its readers to GetFunction for."""


def _short(list_all: Callable[[LambdaResponse], str], listed: str) -> Callable[[LambdaResponse], str]:
    def answer(response: LambdaResponse) -> str:
        found = json.loads(list_all(response))
        for item in found[listed]:
            for name in _WITHHELD:
                item.pop(name, None)
        return json.dumps(found)

    return answer


for method, listed in (("list_functions", "Functions"), ("list_versions_by_function", "Versions")):
    moto_patches.replace(
        LambdaResponse,
        method,
        _short(getattr(LambdaResponse, method), listed),
        reason="it tells states, which a program would wait for here and not on AWS",
    )
