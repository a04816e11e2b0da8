"""Policy statements as plain dicts: what a reviewer reads here is what stands in the template."""

from collections.abc import Mapping, Sequence
from typing import Any

Statement = dict[str, Any]
"""One statement of a policy document, in IAM's own words."""


def allow(actions: Sequence[str], on: Sequence[str], *, when: Mapping[str, Any] | None = None) -> Statement:
    """Allow actions on resources, under conditions: a statement of an identity's policy."""
    statement: Statement = {"Effect": "Allow", "Action": _one_or_many(actions), "Resource": _one_or_many(on)}
    if when is not None:
        statement["Condition"] = dict(when)
    return statement


def deny(actions: Sequence[str], on: Sequence[str]) -> Statement:
    """Deny actions on resources, whatever else allows them."""
    return {"Effect": "Deny", "Action": _one_or_many(actions), "Resource": _one_or_many(on)}


def allow_service(
    service: str,
    actions: Sequence[str],
    on: Sequence[str],
    *,
    when: Mapping[str, Any],
    sid: str | None = None,
) -> Statement:
    """Allow a service to act on this resource: a statement of a resource's policy, never without a condition."""
    named = {"Sid": sid} if sid is not None else {}
    return {**named, **allow(actions, on, when=when), "Principal": {"Service": service}}


def deny_without_tls(on: Sequence[str]) -> Statement:
    """Refuse every request that is not encrypted on its way."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": _one_or_many(on),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str, *, when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The document that lets one service assume a role."""
    statement: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if when is not None:
        statement["Condition"] = dict(when)
    return document([statement])


def _one_or_many(values: Sequence[str]) -> Any:
    """A list of one as its only member: CloudFormation and IAM show it so."""
    return values[0] if len(values) == 1 else list(values)
