"""The daemon as a build may use it: to build, to tag, and to push into the cloud's registry.

The daemon's own socket is as good as root on this machine. Behind this one the real docker command logs in, builds and
pushes as it does on AWS, by AWS's names of registries; whatever else it asks for is refused by name.
"""

import base64
import contextlib
import http.client
import json
import re
import shutil
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from embedded import clients
from embedded.process.daemon import Daemon, DaemonError, in_path

_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_OPEN = re.compile(
    r"(GET|HEAD) /_ping|GET /version|GET /info|GET /images/json|GET /images/.+/json|POST /images/.+/tag|POST /session"
    r"|POST /grpc|POST /build|POST /build/cancel"
)
_CHUNK_BYTES = 1 << 16
_HEAD_BYTES_MOST = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A request's head."""

    method: str
    path: str
    """Without the version of the API."""
    query: str
    headers: tuple[tuple[str, str], ...]
    """By names in small letters; BuildKit's session sends one many times."""
    rest: bytes
    """What came of the body with the head."""

    def header(self, name: str) -> str:
        """A header's value; empty without it."""
        return dict(self.headers).get(name, "")

    def head(self, *, path: str | None = None, query: str | None = None, **changed: str) -> bytes:
        """The head for the daemon; without an upgrade the connection ends with the answer, so no request follows."""
        place = self.path if path is None else path
        asked = self.query if query is None else query
        given = {name.replace("_", "-"): value for name, value in changed.items()}
        if not self.header("upgrade"):
            given["connection"] = "close"
        kept = [(name, value) for name, value in self.headers if name not in given]
        lines = [f"{self.method} /v1.41{place}{'?' if asked else ''}{asked} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (*kept, *given.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Refused(Exception):
    """What a build may not ask of the daemon."""


class Door:
    """A socket for one build."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        """The socket is made in this folder, `docker.sock`."""
        self._daemon = daemon
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder.mkdir(exist_ok=True)
        self._listener.bind(str(folder / "docker.sock"))
        self._listener.listen()
        threading.Thread(target=self._serve, name="docker for a build", daemon=True).start()

    def close(self) -> None:
        """Let nobody else in."""
        # a thread waits in accept(): only a shutdown wakes it
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError):  # it left, or speaks no HTTP
            try:
                asked = _read(client)
                if asked is None:
                    return
                if (asked.method, asked.path) == ("POST", "/auth"):
                    _say(client, 200, self._log_in(asked, client))
                    return
                head = self._passed_on(asked)
            except (Refused, DaemonError) as error:
                _say(client, 403, {"message": str(error)})
                return
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
                daemon.connect(str(self._daemon.path))
                daemon.sendall(head + asked.rest)
                threading.Thread(target=_copy, args=(client, daemon), daemon=True).start()
                _copy(daemon, client)

    def _passed_on(self, asked: _Asked) -> bytes:
        """The head that the daemon gets."""
        if asked.path == "/build" and parse_qs(asked.query).get("networkmode", [""])[0] == "host":
            raise Refused("the embedded cloud builds on no network of the machine's: leave --network host out")
        if re.search(r"\.\.|//|%", asked.path):
            raise Refused(f"the embedded cloud takes no path that leads elsewhere: {asked.path!r}")
        pushed = re.fullmatch(r"/images/(?P<name>.+)/push", asked.path)
        if asked.method == "POST" and pushed is not None:
            return self._push(asked, pushed["name"])
        if _OPEN.fullmatch(f"{asked.method} {asked.path}") is None:
            raise Refused(
                f"the embedded cloud lets builds log in, build, tag and push, and not {asked.method} {asked.path}: its "
                "daemon is this machine's"
            )
        return asked.head()

    def _push(self, asked: _Asked, name: str) -> bytes:
        """Push by AWS's name into the cloud's registry: there the account and the region are the password's."""
        host, _, repository = name.partition("/")
        if _ECR.fullmatch(host) is None:
            raise Refused(f"the embedded cloud pushes into Amazon ECR alone, and {host!r} is none of its registries")
        tag = parse_qs(asked.query).get("tag", ["latest"])[0]
        ours = f"{_registry()}/{repository}"
        place = urlencode({"repo": ours, "tag": tag})
        self._daemon.call("POST", f"/images/{in_path(f'{name}:{tag}')}/tag?{place}")
        login = json.loads(base64.urlsafe_b64decode(asked.header("x-registry-auth") or "e30="))
        told = base64.urlsafe_b64encode(json.dumps({**login, "serveraddress": _registry()}).encode()).decode()
        return asked.head(path=f"/images/{quote(ours, safe='/:')}/push", query=asked.query, x_registry_auth=told)

    @staticmethod
    def _log_in(asked: _Asked, client: socket.socket) -> dict[str, str]:
        """Try the password at the cloud's registry, whichever of AWS's registries it is for."""
        length, body = int(asked.header("content-length") or 0), asked.rest
        while len(body) < length:
            piece = client.recv(_CHUNK_BYTES)
            if not piece:
                raise Refused("the log-in ended early")
            body += piece
        login = json.loads(body)
        host = str(login.get("serveraddress", "")).removeprefix("https://").strip("/")
        if _ECR.fullmatch(host) is None:
            raise Refused(f"the embedded cloud knows registries of Amazon ECR alone, and not {host!r}")
        entry = base64.b64encode(f"{login.get('username')}:{login.get('password')}".encode()).decode()
        connection = http.client.HTTPConnection(_registry(), timeout=30)
        try:
            connection.request("GET", "/v2/", headers={"Authorization": f"Basic {entry}"})
            if connection.getresponse().status != http.HTTPStatus.OK:
                raise Refused(f"login attempt to {host} failed: the password is none of `aws ecr get-login-password`")
        finally:
            connection.close()
        return {"Status": "Login Succeeded", "IdentityToken": ""}


def command() -> str | None:
    """The docker command that builds can see; the distribution's first, which has BuildKit without a plugin."""
    return shutil.which("docker", path="/usr/bin:/usr/local/bin")


def _registry() -> str:
    return f"127.0.0.1:{urlsplit(clients.endpoint()).port}"


def _read(client: socket.socket) -> _Asked | None:
    text = b""
    while b"\r\n\r\n" not in text:
        piece = client.recv(_CHUNK_BYTES)
        if not piece:
            return None
        text += piece
        if len(text) > _HEAD_BYTES_MOST:
            raise Refused("the request's head is too long")
    head, _, rest = text.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    parts = urlsplit(target)
    return _Asked(
        method=method,
        path=re.sub(r"^/v\d+\.\d+(?=/)", "", parts.path),
        query=parts.query,
        headers=headers,
        rest=rest,
    )


def _say(client: socket.socket, status: int, body: Mapping[str, str]) -> None:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_CHUNK_BYTES):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
