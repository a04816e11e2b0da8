"""Function URLs on the embedded cloud: who may call them, and what arrives on both sides."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import REGION, Account, account

__all__ = ["account"]

ECHO = """
import json
def handler(event, context):
    if event['rawPath'] == '/fails': raise ValueError('no')
    if event['rawPath'] == '/whole':
        body = {'body': 'AP8=', 'isBase64Encoded': True, 'cookies': ['a=1', 'b=2']}
        return {'statusCode': 418, 'headers': {'X-Tea': 'yes'}, **body}
    if event['rawPath'] == '/wrong': return {'statusCode': 'many'}
    return event
"""


def make(account: Account, name: str, auth: str, **settings: Any) -> str:
    account.function(name, ECHO, account.role(f"{name}-role", "lambda"))
    made = account.client("lambda").create_function_url_config(FunctionName=name, AuthType=auth, **settings)
    return str(made["FunctionUrl"])


def open_to_all(account: Account, name: str) -> None:
    client = account.client("lambda")
    common = {"FunctionName": name, "Principal": "*"}
    client.add_permission(StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **common)
    client.add_permission(StatementId="call", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **common)


def ask(url: str, method: str = "GET", data: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_an_open_url_needs_both_permissions(account: Account) -> None:
    url = make(account, "open", "NONE")
    assert ask(url)[0] == 403
    client = account.client("lambda")
    common = {"FunctionName": "open", "Principal": "*"}
    client.add_permission(StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **common)
    status, _, body = ask(url)
    assert (status, b"Forbidden" in body) == (403, True), "since October 2025 lambda:InvokeFunction is needed too"
    client.add_permission(StatementId="call", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **common)
    assert ask(url)[0] == 200
    client.remove_permission(FunctionName="open", StatementId="url")
    assert ask(url)[0] == 403


def test_the_event_and_the_answer(account: Account) -> None:
    url = make(account, "echo", "NONE")
    open_to_all(account, "echo")
    headers = {"Cookie": "x=1; y=2", "Content-Type": "application/json", "X-Own": "here"}
    status, _, body = ask(f"{url}some/path?a=1&a=2&b=", "POST", b'{"n": 1}', **headers)
    event = json.loads(body)
    assert (status, event["version"], event["rawPath"]) == (200, "2.0", "/some/path")
    assert (event["rawQueryString"], event["queryStringParameters"]) == ("a=1&a=2&b=", {"a": "1,2", "b": ""})
    assert (event["body"], event["isBase64Encoded"], event["cookies"]) == ('{"n": 1}', False, ["x=1", "y=2"])
    assert (event["headers"]["x-own"], "cookie" in event["headers"]) == ("here", False)
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["accountId"] == "anonymous"
    _, _, body = ask(url, "POST", b"\x00\xff", **{"Content-Type": "application/octet-stream"})
    assert base64.b64decode(json.loads(body)["body"]) == b"\x00\xff"
    status, answered, body = ask(f"{url}whole")
    assert (status, answered["X-Tea"], answered.get_all("Set-Cookie"), body) == (
        418,
        "yes",
        ["a=1", "b=2"],
        b"\x00\xff",
    )
    for path in ("fails", "wrong"):
        assert ask(f"{url}{path}")[0] == 502


def signed(url: str, account: Account, service: str = "lambda", **keys: str) -> dict[str, str]:
    owner = account.credentials()
    credentials = Credentials(
        keys.get("access", owner["aws_access_key_id"]),
        keys.get("secret", owner["aws_secret_access_key"]),
        keys.get("token"),
    )
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(credentials, service, REGION).add_auth(request)
    return dict(request.headers.items())


def test_a_url_with_iam_takes_signed_requests_alone(account: Account) -> None:
    url = make(account, "closed", "AWS_IAM")
    open_to_all(account, "closed")
    assert ask(url)[0] == 403
    status, _, body = ask(url, **signed(url, account))
    assert (status, json.loads(body)["requestContext"]["authorizer"]["iam"]["accountId"]) == (200, "123456789012")
    assert ask(url, **signed(url, account, secret="wrong"))[0] == 403
    assert ask(url, **signed(url, account, service="s3"))[0] == 403


def test_a_role_needs_the_action(account: Account) -> None:
    from embedded.operations import find_admin

    enforce = find_admin("enforce-iam")
    assert enforce is not None
    url = make(account, "by-role", "AWS_IAM")
    role = account.role("caller", "ec2", allow="lambda:InvokeFunctionUrl")
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName="caller", PolicyDocument=document)
    found = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = {"access": found["AccessKeyId"], "secret": found["SecretAccessKey"], "token": found["SessionToken"]}
    enforce({"on": True})
    try:
        assert ask(url, **signed(url, account, **keys))[0] == 403
        both = {"Effect": "Allow", "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [both]})
        iam.put_role_policy(RoleName="caller", PolicyName="all", PolicyDocument=document)
        assert ask(url, **signed(url, account, **keys))[0] == 200
    finally:
        enforce({"on": False})


def test_a_page_of_a_browser_is_refused(account: Account) -> None:
    url = make(account, "pages", "NONE")
    open_to_all(account, "pages")
    assert ask(url, Origin="http://evil.example")[0] == 403


def test_its_life(account: Account) -> None:
    url = make(account, "life", "NONE", Cors={"AllowOrigins": ["*"]})
    client = account.client("lambda")
    with pytest.raises(ClientError, match="FunctionUrlConfig exists for this Lambda function"):
        client.create_function_url_config(FunctionName="life", AuthType="NONE")
    changed = client.update_function_url_config(FunctionName="life", AuthType="AWS_IAM")
    assert (changed["AuthType"], changed["FunctionUrl"], changed["Cors"]) == ("AWS_IAM", url, {"AllowOrigins": ["*"]})
    assert [
        one["FunctionUrl"] for one in client.list_function_url_configs(FunctionName="life")["FunctionUrlConfigs"]
    ] == [url]
    client.delete_function_url_config(FunctionName="life")
    assert ask(url)[0] == 404
    with pytest.raises(ClientError, match="does not exist"):
        client.get_function_url_config(FunctionName="life")
    client.create_function_url_config(FunctionName="life", AuthType="NONE")
    client.delete_function(FunctionName="life")
    assert ask(url)[0] == 404
