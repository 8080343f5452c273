"""An OpenID Connect provider for one run: writes its issuer and one signed token to the files that it
is given, then serves discovery and its key set on 127.0.0.1 until it is stopped. Signs with openssl,
so that nothing has to be installed."""

import base64
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def _main(issuer_file: str, token_file: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        key_file = str(pathlib.Path(directory) / "key.pem")
        _openssl("genrsa", "-out", key_file, "2048")
        modulus = re.search(rb"=([0-9A-F]+)", _openssl("rsa", "-in", key_file, "-noout", "-modulus"))
        number = bytes.fromhex(modulus.group(1).decode())
        keys = {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": _encode(number), "e": "AQAB"}]}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents = {
                    "/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"},
                    "/keys": keys,
                }
                document = documents.get(self.path)
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(document or {}).encode())

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        issuer = f"http://127.0.0.1:{server.server_port}"
        now = int(time.time())
        claims = {
            "iss": issuer,
            "aud": ["sts.amazonaws.com"],
            "sub": "system:serviceaccount:default:reader",
            "iat": now,
            "exp": now + 3600,
        }
        header = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        text = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        signature = _openssl("dgst", "-sha256", "-sign", key_file, data=text.encode())
        pathlib.Path(issuer_file).write_text(issuer, encoding="ascii")
        pathlib.Path(token_file).write_text(f"{text}.{_encode(signature)}", encoding="ascii")
        server.serve_forever()


if __name__ == "__main__":
    _main(*sys.argv[1:])
