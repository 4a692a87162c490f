"""Whether AWS would take how a command signs its request, which is curl's own doing.

    python signature.py COMMAND

COMMAND is for a shell and asks $ENDPOINT. The signature is computed again by botocore.
"""

import http.server
import os
import subprocess
import sys
import threading

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "AWS_REGION": "eu-west-1"}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen = (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def main(command):
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    subprocess.run(["sh", "-c", command], check=True, env={**os.environ, **KEYS, "ENDPOINT": address})
    path, headers, body = server.seen
    scope, signed, signature = (part.split("=", 1)[1].strip(",") for part in headers["authorization"].split()[1:])
    region, service = scope.split("/")[2:4]
    request = AWSRequest("POST", address + path, data=body, headers={n: headers[n] for n in signed.split(";") if n != "host"})
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], KEYS["AWS_SESSION_TOKEN"]), service, region)
    request.headers["host"] = headers["host"]
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    if signature != expected:
        raise SystemExit(f"{path}: curl signs {signed} as {signature}, AWS expects {expected} of\n{auth.canonical_request(request)}")
    print(path)


if __name__ == "__main__":
    main(sys.argv[1])
