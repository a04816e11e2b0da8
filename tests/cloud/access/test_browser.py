"""A real browser, opened on somebody else's page, changes nothing in the cloud and reads nothing of it."""

import html
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cloud.conftest import Cloud

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is on the PATH")

TEMPLATE = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
SCOPE = "X-Amz-Credential=test/20261128/us-east-1/{service}/aws4_request"
READS = """
<pre id="said"></pre>
<script>
const urls = {urls};
const tried = urls.flatMap(url => ["cors", "no-cors"].map(async mode => {{
  try {{
    const answer = await fetch(url, {{mode}});
    return mode + " " + url + " " + answer.type + " [" + (await answer.text()) + "]";
  }} catch (error) {{
    return mode + " " + url + " refused";
  }}
}}));
Promise.all(tried).then(lines => document.getElementById("said").textContent = lines.join("\\n"));
</script>
"""


class Pages(ThreadingHTTPServer):
    """Pages of another server on this machine, which no browser's rule for public pages stops."""

    html: Mapping[str, str] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.html.get(self.path, "").encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def pages() -> Iterator[Pages]:
    server = Pages(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def opened(url: str, profile: Path) -> str:
    """The page that the browser shows in the end."""
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=10000", "--timeout=20000", "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return html.unescape(done.stdout)


def form(action: str, fields: Mapping[str, str]) -> str:
    """A page that posts a form as soon as it is open."""
    inputs = "".join(f"<input name='{name}' value='{html.escape(value)}'>" for name, value in fields.items())
    return (
        f"<form method=post action='{html.escape(action)}'>{inputs}</form><script>document.forms[0].submit()</script>"
    )


def test_a_form_that_a_page_posts_makes_nothing(cloud: Cloud, pages: Pages, tmp_path: Path) -> None:
    fields = {"Action": "CreateStack", "Version": "2010-05-15", "StackName": "evil", "TemplateBody": TEMPLATE}
    pages.html = {"/": form(f"{cloud.endpoint}/?{SCOPE.format(service='cloudformation')}", fields)}
    assert "does not answer pages of a browser" in opened(pages.url("/"), tmp_path)
    stacks = cloud.client("cloudformation").list_stacks()["StackSummaries"]
    assert "evil" not in [stack["StackName"] for stack in stacks]


def test_a_form_that_a_page_posts_gives_no_order_to_the_cloud(cloud: Cloud, pages: Pages, tmp_path: Path) -> None:
    before = cloud.admin("settings")
    pages.html = {"/": form(f"{cloud.endpoint}/_yard/settings", {"stop_grace_seconds": "66"})}
    assert "does not answer pages of a browser" in opened(pages.url("/"), tmp_path)
    assert cloud.admin("settings") == before


def test_a_page_reads_nothing(cloud: Cloud, pages: Pages, tmp_path: Path) -> None:
    cloud.client("secretsmanager").create_secret(Name="of-the-owner", SecretString="hidden")
    paths = [
        f"/?{SCOPE.format(service='secretsmanager')}&Action=ListSecrets",
        "/_yard/status",
        "/moto-api/data.json",
        "/",
    ]
    pages.html = {"/": READS.format(urls=[cloud.endpoint + path for path in paths])}
    lines = opened(pages.url("/"), tmp_path).partition('<pre id="said">')[2].partition("</pre>")[0].splitlines()
    assert len(lines) == 2 * len(paths)
    # "opaque": the browser shows the page nothing of the answer
    assert [line for line in lines if not line.endswith(("refused", "opaque []"))] == []
