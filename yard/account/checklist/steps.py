"""The steps of the checklist, in the order in which a new account goes through them."""

from collections.abc import Callable, Iterator
from typing import Any

from yard.account import doctor
from yard.account.checklist import services
from yard.account.doctor import Diagnosis
from yard.account.quotas import table
from yard.aws import Aws
from yard.errors import explain

_STANDARD_STATES = ("ENABLED", "ENABLED_BY_DEFAULT")
Step = Callable[[Aws], Iterator[Diagnosis]]


def walk(aws: Aws) -> Iterator[Diagnosis]:
    """Every step: what can be checked is checked, what only a person sees is said."""
    for name, step in _STEPS:
        try:
            yield from step(aws)
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            # Without credentials nothing can be done; what a role may not see may be in order
            state = "missing" if step is _identity else "warning"
            yield Diagnosis(what=name, state=state, says=f"not checked: {known.happened}", fix=known.fix)
            if step is _identity:
                # Without credentials nothing else answers; what is a person's to see still is
                yield from _of_a_person(aws)
                return


def _person(what: str, says: str, fix: str) -> Diagnosis:
    return Diagnosis(what=what, state="person", says=says, fix=fix)


def _identity(aws: Aws) -> Iterator[Diagnosis]:
    caller = aws.caller
    if caller.endswith(":root"):
        fix = "Make a role in IAM Identity Center, sign in with it, and lock the root user's password away."
        yield Diagnosis(what="account", state="warning", says=f"{aws.account}: you are its root user", fix=fix)
    else:
        yield Diagnosis(what="account", state="ok", says=f"{aws.account}, as {caller}")


def _root_user(aws: Aws) -> Iterator[Diagnosis]:
    summary = aws.client("iam").get_account_summary()["SummaryMap"]
    if not summary.get("AccountMFAEnabled"):
        fix = "Console, as root: Security credentials, Assign MFA device."
        yield Diagnosis(what="root user", state="warning", says="the root user has no second factor", fix=fix)
    if summary.get("AccountAccessKeysPresent"):
        fix = "Console, as root: Security credentials, delete the access keys."
        yield Diagnosis(what="root user", state="warning", says="the root user has access keys", fix=fix)
    if summary.get("AccountMFAEnabled") and not summary.get("AccountAccessKeysPresent"):
        yield Diagnosis(what="root user", state="ok", says="it has a second factor and no access keys")


def _credits(aws: Aws) -> Iterator[Diagnosis]:
    """What a plan of free credits has left; other credits no interface shows."""
    plan: dict[str, Any] = aws.client("freetier").get_account_plan_state()
    left = plan.get("accountPlanRemainingCredits", {})
    amount = f"{left['amount']:g} {left['unit']}" if left else "no credits"
    until = f" until {plan['accountPlanExpirationDate']:%Y-%m-%d}" if "accountPlanExpirationDate" in plan else ""
    says = f"the plan is {plan['accountPlanType']}, with {amount} left{until}"
    if plan["accountPlanType"] == "FREE":
        fix = "Console: Billing, Upgrade plan. GPUs and quotas above the first are for paid plans."
        yield Diagnosis(what="credits", state="warning", says=says, fix=fix)
    else:
        yield Diagnosis(what="credits", state="ok", says=says)
    yield _person("credits", "promotional credits, and for which services they count", "Console: Billing, Credits.")


def _region(aws: Aws) -> Iterator[Diagnosis]:
    status = aws.client("account").get_region_opt_status(RegionName=aws.region)["RegionOptStatus"]
    if status not in _STANDARD_STATES:
        fix = f"aws account enable-region --region-name {aws.region}, and wait until it is ENABLED."
        yield Diagnosis(what="region", state="missing", says=f"{aws.region} is {status} in this account", fix=fix)
    else:
        yield Diagnosis(what="region", state="ok", says=f"{aws.region} is {status}")


def _services(aws: Aws) -> Iterator[Diagnosis]:
    wanted = services.needed(aws.project.settings, aws.project.jobs())
    lacking = {
        name: use
        for name, use in wanted.items()
        if not _is_global(aws, name) and aws.region not in aws.session.get_available_regions(name, aws.partition)
    }
    for name, use in lacking.items():
        fix = "Choose another region, or update boto3 if the region is new."
        yield Diagnosis(what="services", state="missing", says=f"{aws.region} has no {name}: {use}", fix=fix)
    if not lacking:
        says = f"{aws.region} has all {len(wanted)} services that the project and its jobs call"
        yield Diagnosis(what="services", state="ok", says=says)


def _is_global(aws: Aws, service: str) -> bool:
    """Whether a service has one endpoint for all regions of the partition."""
    return not aws.session.get_available_regions(service, aws.partition)


def _quotas(aws: Aws) -> Iterator[Diagnosis]:
    rows = table(aws)
    for row in rows:
        granted = 0 if row.granted is None else row.granted
        says = f"{row.quota}: {row.needed:g} needed, {granted:g} granted"
        if row.state == "missing":
            yield Diagnosis(what="quotas", state="missing", says=says, fix="yard quota request")
        elif row.state == "pending":
            fix = "Wait; AWS writes to the account's e-mail address, and may ask what it is for."
            yield Diagnosis(what="quotas", state="warning", says=f"{says}, {row.pending or 0:g} asked for", fix=fix)
        elif row.state == "unknown":
            fix = "Look at it in the console: Service Quotas, Amazon SageMaker."
            yield Diagnosis(what="quotas", state="warning", says=f"{row.quota}: not listed in {aws.region}", fix=fix)
    if all(row.state == "ok" for row in rows):
        yield Diagnosis(what="quotas", state="ok", says=f"{len(rows)} quotas are enough for all jobs together")


def _budgets(aws: Aws) -> Iterator[Diagnosis]:
    pages = aws.client("budgets").get_paginator("describe_budgets").paginate(AccountId=aws.account)
    found = [budget for page in pages for budget in page.get("Budgets", [])]
    if not found:
        says = "the account has no budget: nothing says when it spends"
        yield Diagnosis(what="budgets", state="warning", says=says, fix=f"{aws.project.deploy} makes the project's.")
        return
    shown = ", ".join(
        f"{one['BudgetName']} ({one['BudgetLimit']['Amount']} {one['BudgetLimit']['Unit']})"
        for one in found
        if "BudgetLimit" in one
    )
    yield Diagnosis(what="budgets", state="ok", says=f"{len(found)} in the account: {shown}")


def _of_a_person(aws: Aws) -> Iterator[Diagnosis]:
    """What no interface tells."""
    yield _person(
        "payment", "a payment method that is verified, and the phone's verification", "Console: Billing, Payments."
    )
    yield _person(
        "mail", "that somebody reads the root user's address: AWS answers quota requests there", "Send it a mail."
    )
    yield _person(
        "alerts", "that the alerts' subscription was confirmed by the link in its mail", "Look for AWS Notification."
    )
    yield _person(
        "billing access", "that roles may see billing, without which yard cost --billed is refused", "Console, as root."
    )


_STEPS: tuple[tuple[str, Step], ...] = (
    ("account", _identity),
    ("root user", _root_user),
    ("credits", _credits),
    ("region", _region),
    ("services", _services),
    ("quotas", _quotas),
    ("bootstrap", doctor.bootstrap),
    ("budgets", _budgets),
    ("person", _of_a_person),
)
