"""An index of packages over TLS, with a password, whose certificate an authority signed that no machine knows."""

import base64
import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "builder", "only-for-the-build"
HOST = "127.0.0.1"


@contextmanager
def index(folder: Path, wheels: Mapping[str, bytes]) -> Iterator[tuple[int, Path]]:
    """Serve these wheels, by their files' names; the port, and the file of the authority's certificate."""
    authority, keys = folder / "authority.pem", folder / "server.pem"
    _write_certificates(authority, keys)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            body = _page(self.path, wheels) if self.headers["Authorization"] == f"Basic {expected}" else None
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/zip" if self.path.endswith(".whl") else "text/html")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows the build's own words."""

    server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], authority
    finally:
        server.shutdown()
        server.server_close()


def _page(path: str, wheels: Mapping[str, bytes]) -> bytes | None:
    """A file, or the list of a package's files."""
    _, _, last = path.strip("/").rpartition("/")
    if last in wheels:
        return wheels[last]
    names = [name for name in wheels if name.partition("-")[0].replace("_", "-") == last]
    links = [f'<a href="/files/{name}">{name}</a>' for name in names]
    return f"<html><body>{''.join(links)}</body></html>".encode() if links else None


def _write_certificates(authority: Path, keys: Path) -> None:
    signer, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a proxy that signs anew")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "packages")])
    signed = _certificate(issuer, issuer, signer, x509.BasicConstraints(ca=True, path_length=None), signer)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    served = _certificate(subject, issuer, own, address, signer)
    pem = serialization.Encoding.PEM
    authority.write_bytes(signed.public_bytes(pem))
    private = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    keys.write_bytes(private + served.public_bytes(pem))


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
    signer: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
    day = datetime.timedelta(days=1)
    return made.not_valid_before(now - day).not_valid_after(now + day).sign(signer, hashes.SHA256())
