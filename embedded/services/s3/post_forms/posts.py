"""A form post is verified as S3 verifies it, and its file put in the name of whoever signed its policy."""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError
from moto.core.request import Request
from werkzeug.wrappers import Response

from embedded import clients
from embedded.access import sessions
from embedded.access.sessions import Key
from embedded.access.signatures.version4 import ALGORITHM, same, sign, signing_key
from embedded.operations import form_posts
from embedded.services.s3.post_forms import policy
from embedded.services.s3.post_forms.errors import Refused, missing
from embedded.services.s3.post_forms.reading import Form, read

_SCOPE = re.compile(r"(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/s3/aws4_request")
_PARAMETERS = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-type": "ContentType",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
}
_META = "x-amz-meta-"
_NOT_EMULATED = ("tagging", "x-amz-checksum-", "x-amz-server-side-encryption-customer-")


@form_posts
def answer(environ: dict[str, Any]) -> Response:
    """Answer a POST of a form to a bucket."""
    request = Request(environ, populate_request=False)
    bucket = _bucket(request)
    try:
        form = read(environ)
        with form.file:
            signer = _signer(form.fields)
            policy.check(form.fields["policy"], {**form.fields, "bucket": bucket}, size=form.size)
            etag = _put(bucket, form, signer)
    except Refused as refused:
        return refused.response()
    return _done(request, bucket, form.fields, etag)


def _bucket(request: Request) -> str:
    host = str(request.host).partition(":")[0]
    return host.removesuffix(".localhost") if host.endswith(".localhost") else str(request.path).strip("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Signer:
    access_key: str
    key: Key
    region: str


def _signer(fields: Mapping[str, str]) -> _Signer:
    """Who has signed the policy; without a policy nobody has."""
    if "policy" not in fields:
        raise Refused("AccessDenied", "Access Denied", 403)
    signer, expected, said = _of_old_form(fields) if "awsaccesskeyid" in fields else _of_form(fields)
    if signer.key.token != fields.get("x-amz-security-token"):
        raise Refused("InvalidToken", "The provided token is malformed or otherwise invalid.")
    if signer.key.has_expired:
        raise Refused("ExpiredToken", "The provided token has expired.")
    if not same(expected, said):
        text = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method."
        )
        raise Refused("SignatureDoesNotMatch", text, 403, AWSAccessKeyId=signer.access_key)
    return signer


def _of_form(fields: Mapping[str, str]) -> tuple[_Signer, str, str]:
    for name in ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"):
        if not fields.get(name.lower()):
            raise missing(name)
    scope = _SCOPE.fullmatch(fields["x-amz-credential"])
    if scope is None or fields["x-amz-algorithm"] != ALGORITHM or fields["x-amz-date"][:8] != scope["day"]:
        raise Refused("InvalidArgument", "The Credential, the Algorithm and the Date of the form do not fit.", 400)
    signer = _known(scope["key"], scope["region"])
    signing = signing_key(signer.key.secret, scope["day"], scope["region"], "s3")
    return signer, sign(signing, fields["policy"]), fields["x-amz-signature"]


def _of_old_form(fields: Mapping[str, str]) -> tuple[_Signer, str, str]:
    """The form of before Signature Version 4, which boto3 still makes in us-east-1."""
    if not fields.get("signature"):
        raise missing("signature")
    signer = _known(fields["awsaccesskeyid"], clients.DEFAULT_REGION)
    digest = hmac.digest(signer.key.secret.encode(), fields["policy"].encode(), "sha1")
    return signer, base64.b64encode(digest).decode(), fields["signature"]


def _known(access_key: str, region: str) -> _Signer:
    key = sessions.find_key(access_key, region)
    if key is None:
        text = "The AWS Access Key Id you provided does not exist in our records."
        raise Refused("InvalidAccessKeyId", text, 403, AWSAccessKeyId=access_key)
    return _Signer(access_key=access_key, key=key, region=region)


def _put(bucket: str, form: Form, signer: _Signer) -> str:
    """Put the file as its signer would: what the signer may not do, the form may not either."""
    for name in form.fields:
        if name.startswith(_NOT_EMULATED):
            raise Refused("NotImplemented", f"the embedded cloud does not emulate the field {name} of form posts", 501)
    settings: dict[str, Any] = {api: form.fields[name] for name, api in _PARAMETERS.items() if name in form.fields}
    meta = {name.removeprefix(_META): value for name, value in form.fields.items() if name.startswith(_META)}
    s3 = clients.session_client(
        "s3", signer.region, access_key=signer.access_key, secret_key=signer.key.secret, token=signer.key.token
    )
    try:
        answer = s3.put_object(Bucket=bucket, Key=form.fields["key"], Body=form.file, Metadata=meta, **settings)
    except ClientError as error:
        detail, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise Refused(detail["Code"], detail["Message"], status) from error
    return str(answer["ETag"])


def _done(request: Request, bucket: str, fields: Mapping[str, str], etag: str) -> Response:
    key = fields["key"]
    location = f"{request.host_url.rstrip('/')}{'' if '.localhost' in request.host else '/' + bucket}/{quote(key)}"
    redirect = fields.get("success_action_redirect", fields.get("redirect"))
    if redirect:
        query = urlencode({"bucket": bucket, "key": key, "etag": etag})
        response = Response(status=303)
        response.headers["Location"] = f"{redirect}{'&' if '?' in redirect else '?'}{query}"
    elif fields.get("success_action_status") == "201":
        inside = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
        xml = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in inside.items())
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{xml}</PostResponse>'
        response = Response(text, status=201, content_type="application/xml")
        response.headers["Location"] = location
    else:
        response = Response(status=200 if fields.get("success_action_status") == "200" else 204)
        response.headers["Location"] = location
    response.headers["ETag"] = etag
    return response
