"""Secrets Manager as the launcher meets it: one operation, over HTTP."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@contextlib.contextmanager
def secrets_manager(secrets: Mapping[str, str | bytes]) -> Iterator[dict[str, str]]:
    """Serve these secrets, text or binary, and give the variables that point a node at them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["SecretId"]
            assert self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
            if asked in secrets:
                value = secrets[asked]
                answer = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": value.decode()}
                status = 200
            else:
                answer = {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find it."}
                status = 400
            body = json.dumps({"Name": asked, **answer}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
