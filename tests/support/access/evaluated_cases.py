"""Cases for two evaluators of policies: the embedded cloud's, and one that others wrote."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from embedded.access.evaluation.decision import Question

ACCOUNT, OTHER = "123456789012", "999999999999"
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/one"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
OBJECT = "arn:aws:s3:::data/train/a.csv"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
JOB = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/tiny-1"
BUCKET = "arn:aws:s3:::data"

Statement = dict[str, Any]


def document(*statements: Statement, version: str | None = "2012-10-17") -> dict[str, Any]:
    written = {"Statement": [{"Effect": "Allow", **one} for one in statements]}
    return written if version is None else {"Version": version, **written}


def ask(action: str, resource: str, *identity: Statement, principal: str = USER, **more: Any) -> Question:
    """A request within the account; the identity's policy is given by its statements."""
    fields: dict[str, Any] = {"context": {}, "account": ACCOUNT, "owner": ACCOUNT, **more}
    if identity:
        fields.setdefault("identity", [document(*identity)])
    return Question(action=action, resource=resource, principal=principal, **fields)


def cases() -> dict[str, Question]:
    """Every case by its name."""
    found: dict[str, Question] = {}
    for name, question in (*_wildcards(), *_negations(), *_variables(), *_operators(), *_sets(), *_combinations()):
        assert name not in found, name
        found[name] = question
    return found


def _wildcards() -> Iterator[tuple[str, Question]]:
    actions = ["s3:GetObject", "s3:getobject", "S3:Get*", "s3:*", "*", "s3:G?tObject", "s3:GetObjec", "s3:PutObject"]
    for action in actions:
        yield f"action {action}", ask("s3:GetObject", OBJECT, {"Action": action, "Resource": "*"})
    resources = [
        OBJECT,
        BUCKET,
        f"{BUCKET}/*",
        f"{BUCKET}/tra?n/*",
        f"{BUCKET}/Train/*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::dat*csv",
        "arn:*:s3:::data/train/a.csv",
        f"{BUCKET}/train/[a].csv",
        f"{BUCKET}/train/a.csv?",
        "arn:aws:s3:us-east-1::data/*",
    ]
    for resource in resources:
        yield f"resource {resource}", ask("s3:GetObject", OBJECT, {"Action": "s3:GetObject", "Resource": resource})
    arns = ["arn:aws:sagemaker:*:*:training-job/*", "arn:aws:sagemaker:us-east-1:*", f"{JOB[:-1]}*", f"{JOB}*"]
    for resource in (*arns, f"arn:aws:sagemaker:us-east-1:{OTHER}:training-job/*"):
        statement = {"Action": "sagemaker:StopTrainingJob", "Resource": ["arn:aws:s3:::none", resource]}
        yield f"job {resource}", ask("sagemaker:StopTrainingJob", JOB, statement)


def _negations() -> Iterator[tuple[str, Question]]:
    for effect, action in product(("Allow", "Deny"), ("s3:GetObject", "s3:*", "iam:*", "s3:Put*")):
        allow = {"Action": "*", "Resource": "*"}
        statement = {"Effect": effect, "NotAction": action, "Resource": "*"}
        yield f"{effect} NotAction {action}", ask("s3:GetObject", OBJECT, *_with(effect, statement, allow))
    for effect, resource in product(("Allow", "Deny"), (OBJECT, f"{BUCKET}/*", "arn:aws:s3:::other/*", "*")):
        allow = {"Action": "*", "Resource": "*"}
        statement = {"Effect": effect, "Action": "s3:*", "NotResource": [resource, "arn:aws:s3:::third"]}
        yield f"{effect} NotResource {resource}", ask("s3:GetObject", OBJECT, *_with(effect, statement, allow))
    for deny in ({"Action": "s3:*"}, {"Action": "s3:Put*"}, {"Action": "s3:GetObject", "Resource": BUCKET}):
        both = ({"Action": "s3:GetObject", "Resource": "*"}, {"Effect": "Deny", "Resource": "*", **deny})
        yield f"allow and deny {deny}", ask("s3:GetObject", OBJECT, *both)


def _with(effect: str, statement: Statement, allow: Statement) -> list[Statement]:
    return [statement] if effect == "Allow" else [allow, statement]


def _variables() -> Iterator[tuple[str, Question]]:
    contexts: dict[str, dict[str, Any]] = {
        "told": {"aws:username": "ada"},
        "told in another case": {"AWS:UserName": "ada"},
        "a star": {"aws:username": "*"},
        "not told": {},
    }
    patterns = [
        "arn:aws:s3:::data/${aws:username}/a.csv",
        "arn:aws:s3:::data/${AWS:username}/*",
        "arn:aws:s3:::data/${aws:username, 'ada'}/a.csv",
        "arn:aws:s3:::data/${aws:username, 'eve'}/a.csv",
        "arn:aws:s3:::data/${*}/a.csv",
        "arn:aws:s3:::data/ad${?}/a.csv",
    ]
    of_ada = "arn:aws:s3:::data/ada/a.csv"
    for (told, context), pattern, version in product(contexts.items(), patterns, ("2012-10-17", "2008-10-17")):
        identity = [document({"Action": "s3:GetObject", "Resource": pattern}, version=version)]
        name = f"variable {told}, {pattern}, {version}"
        yield name, ask("s3:GetObject", of_ada, identity=identity, context=context)
    for (told, context), operator in product(contexts.items(), ("StringEquals", "StringLike", "StringNotEquals")):
        condition = {operator: {"s3:prefix": "${aws:username}"}}
        statement = {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": condition}
        given = {**context, "s3:prefix": "ada"}
        yield f"variable {told} in {operator}", ask("s3:ListBucket", BUCKET, statement, context=given)


_VALUES: dict[str, tuple[str, list[Any], list[Any]]] = {
    # by the operator's kind: a key of its type, what policies want, what requests tell (None: nothing)
    "String": ("s3:prefix", ["train/", "Train/", "tr*", ["a", "train/"]], ["train/", "test/", "TRAIN/", "", None]),
    "Numeric": ("s3:max-keys", ["10", "10.0", ["5", "20"]], ["10", "9", "11", "-1", "ten", None]),
    "Date": (
        "aws:CurrentTime",
        ["2026-06-01T00:00:00Z", "2026-06-01", "1780272000"],
        ["2026-06-01T00:00:00Z", "2026-05-31T23:59:59Z", "2026-07-01T00:00:00Z", "1780272000", "soon", None],
    ),
    "Bool": ("aws:SecureTransport", ["true", "false", "True"], ["true", "false", None]),
    "Arn": (
        "aws:SourceArn",
        [QUEUE, "arn:aws:sqs:*:*:jobs", "arn:aws:sqs:*", "arn:aws:sqs:us-east-1:*:*", "*"],
        [QUEUE, f"arn:aws:sqs:us-east-1:{OTHER}:jobs", f"{QUEUE}:more", "arn:aws:s3:::jobs", None],
    ),
    "IpAddress": (
        "aws:SourceIp",
        ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", ["192.168.0.0/16", "10.1.0.0/16"]],
        ["10.1.2.3", "11.0.0.1", "2001:db8::1", None],
    ),
}
_COMPARISONS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS = {
    "String": ["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"],
    "Numeric": list(_COMPARISONS),
    "Date": list(_COMPARISONS),
    "Bool": [""],
    "Arn": ["Equals", "Like", "NotEquals", "NotLike"],
    "IpAddress": [""],
}


def operator_names() -> Iterator[tuple[str, str]]:
    """Every operator with its kind."""
    for kind, endings in OPERATORS.items():
        yield from ((kind, f"{kind}{ending}") for ending in endings)
    yield "IpAddress", "NotIpAddress"


def _operators() -> Iterator[tuple[str, Question]]:
    for (kind, name), suffix in product(operator_names(), ("", "IfExists")):
        key, wants, tells = _VALUES[kind]
        for wanted, told in product(wants[:1] if suffix else wants, tells):
            context = {} if told is None else {key: told}
            condition = {f"{name}{suffix}": {key: wanted}}
            statement = {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": condition}
            yield f"{name}{suffix} {wanted} of {told}", ask("s3:ListBucket", BUCKET, statement, context=context)
    for wanted, told in product(("true", "false"), ("train/", "", None)):
        context = {} if told is None else {"s3:prefix": told}
        statement = {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": {"Null": {"s3:prefix": wanted}}}
        yield f"Null {wanted} of {told}", ask("s3:ListBucket", BUCKET, statement, context=context)


def _sets() -> Iterator[tuple[str, Question]]:
    """Keys of many values: the tags that a request gives."""
    told: list[list[str] | None] = [["a"], ["a", "b"], ["c"], ["a", "c"], ["A"], [], None]
    quantifiers = ("ForAllValues", "ForAnyValue")
    for quantifier, ending, suffix, tags in product(quantifiers, OPERATORS["String"], ("", "IfExists"), told):
        context = {} if tags is None else {"aws:TagKeys": tags}
        operator = f"{quantifier}:String{ending}{suffix}"
        condition = {operator: {"aws:TagKeys": ["a", "b"]}}
        statement = {"Action": "sagemaker:AddTags", "Resource": JOB, "Condition": condition}
        yield f"{operator} of {tags}", ask("sagemaker:AddTags", JOB, statement, context=context)
    for tag, told_tag in product(("RequestTag", "ResourceTag"), ("vision", "Vision", "other", None)):
        context = {} if told_tag is None else {f"aws:{tag}/project": told_tag}
        action = "sagemaker:AddTags" if tag == "RequestTag" else "sagemaker:StopTrainingJob"
        condition = {"StringEquals": {f"aws:{tag}/project": "vision"}}
        statement = {"Action": action, "Resource": JOB, "Condition": condition}
        yield f"{tag} {told_tag}", ask(action, JOB, statement, context=context)
    two = {"StringEquals": {"s3:prefix": "a", "s3:delimiter": "/"}, "Bool": {"aws:SecureTransport": "true"}}
    for prefix, delimiter, secure in product(("a", "b"), ("/", None), ("true", "false")):
        context = {"s3:prefix": prefix, "aws:SecureTransport": secure}
        context |= {} if delimiter is None else {"s3:delimiter": delimiter}
        statement = {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": two}
        yield f"all of {context}", ask("s3:ListBucket", BUCKET, statement, context=context)


_PRINCIPALS: dict[str, Statement | None] = {
    "no policy": None,
    "everyone": {"Principal": "*"},
    "every AWS principal": {"Principal": {"AWS": "*"}},
    "the account": {"Principal": {"AWS": ACCOUNT}},
    "the root": {"Principal": {"AWS": ROOT}},
    "another account": {"Principal": {"AWS": "111111111111"}},
    "the caller": {"Principal": {"AWS": "caller"}},
    "the role": {"Principal": {"AWS": ROLE}},
    "another role": {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}},
    "a service": {"Principal": {"Service": "lambda.amazonaws.com"}},
    "deny everyone": {"Effect": "Deny", "Principal": "*"},
    "deny the account": {"Effect": "Deny", "Principal": {"AWS": ROOT}},
    "deny all but the caller": {"Effect": "Deny", "NotPrincipal": {"AWS": ["caller", ROLE, ROOT]}},
    "deny all but another": {"Effect": "Deny", "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}},
}
_SAYS: Mapping[str, list[Statement] | None] = {
    "allows": [{"Action": "*", "Resource": "*"}],
    "is silent": [{"Action": "iam:*", "Resource": "*"}],
    "denies": [{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "*", "Resource": "*"}],
    "is not there": None,
}


def _combinations() -> Iterator[tuple[str, Question]]:
    """Who is let in by the resource, in which account, and what the caller's own policies say."""
    things = {"queue": ("sqs:SendMessage", QUEUE), "key": ("kms:Decrypt", KEY)}
    who = {"user": USER, "session": SESSION}
    for (thing, (action, arn)), (caller, principal), account, (named, statement) in product(
        things.items(), who.items(), (ACCOUNT, OTHER), _PRINCIPALS.items()
    ):
        shared = (
            None if statement is None else document({"Action": action, "Resource": "*", **_said(statement, principal)})
        )
        if thing == "key" and shared is None:
            continue  # every key has a policy
        resource = arn.replace(ACCOUNT, account)
        base = ask(action, resource, principal=principal, owner=account, resource_policy=shared)
        base = replace(base, policy_decides=thing == "key")
        where = "here" if account == ACCOUNT else "elsewhere"
        # the whole square for what is closest to us; elsewhere what the caller's own policies decide
        owns = ("allows", "is silent", "denies") if caller == "session" and thing == "queue" else ("allows",)
        for own, limit in product(owns, _SAYS):
            question = replace(base, identity=_documents(own) or [], boundary=_documents(limit))
            yield f"{caller}, {thing} {where} names {named}, own {own}, boundary {limit}", question
            if caller == "session" and limit != "is not there" and own == "allows":
                cut = replace(base, identity=_documents(own) or [], session=_documents(limit))
                yield f"{caller}, {thing} {where} names {named}, own {own}, session policy {limit}", cut


def _said(statement: Statement, principal: str) -> Statement:
    """The statement with the caller's ARN in it."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put(inner) for key, inner in value.items()}
        return [put(one) for one in value] if isinstance(value, list) else principal if value == "caller" else value

    return {key: put(value) for key, value in statement.items()}


def _documents(says: str) -> list[dict[str, Any]] | None:
    statements = _SAYS[says]
    return None if statements is None else [document(*statements)]


def simulation(question: Question) -> dict[str, Any]:
    """A question in the words of the second evaluator."""
    return {
        "request": {
            "principal": question.principal,
            "action": question.action,
            "resource": {"resource": question.resource, "accountId": question.owner},
            "contextVariables": dict(question.context),
        },
        "identityPolicies": [{"name": f"own{n}", "policy": one} for n, one in enumerate(question.identity)],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        **({} if question.resource_policy is None else {"resourcePolicy": question.resource_policy}),
        **(
            {}
            if question.boundary is None
            else {"permissionBoundaryPolicies": [{"name": "limit", "policy": one} for one in question.boundary]}
        ),
        **({} if not question.session else {"sessionPolicy": question.session[0]}),
    }
