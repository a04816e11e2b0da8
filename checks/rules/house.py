"""The house's own limits: stack budgets, and no Lambda function but Shardyard's."""

import json
from collections.abc import Iterator

from checks.rules.model import Assembly, Finding
from shardyard.spec.stack_limits import MOST, MOST_BYTES

HANDLER_PREFIX = "shardyard.handlers."


def stack_budgets(assembly: Assembly) -> Iterator[Finding]:
    """A stack stays clear of CloudFormation's limits; beyond them, someone must move resources to another stack."""
    for stack, template in assembly.templates.items():
        for section, most in MOST.items():
            count = len(template.get(section, {}))
            if count > most:
                yield Finding(
                    rule="stack-budgets",
                    where=stack,
                    message=f"{count} {section.lower()} are too many ({most} or fewer); move some to another stack",
                )
        size = len(json.dumps(template).encode())
        if size > MOST_BYTES:
            yield Finding(
                rule="stack-budgets",
                where=stack,
                message=f"{size // 1000} KB are too many ({MOST_BYTES // 1000} or fewer); move some to another stack",
            )


def only_our_functions(assembly: Assembly) -> Iterator[Finding]:
    """CDK adds Node functions silently; Shardyard's are Python, share one asset and are part of this repository."""
    assets: dict[str, str] = {}
    for function in assembly.resources("AWS::Lambda::Function"):
        handler = str(function.properties.get("Handler"))
        runtime = str(function.properties.get("Runtime"))
        if not handler.startswith(HANDLER_PREFIX) or not runtime.startswith("python3."):
            yield Finding(
                rule="only-our-functions",
                where=function.where,
                message=f"handler {handler!r} on {runtime!r} is not ours; write a handler in shardyard/handlers",
            )
        else:
            assets.setdefault(json.dumps(function.properties.get("Code"), sort_keys=True), function.where)
    if len(assets) > 1:
        yield Finding(
            rule="only-our-functions",
            where=", ".join(assets.values()),
            message="have different code; all functions share one asset",
        )


RULES = (stack_budgets, only_our_functions)
