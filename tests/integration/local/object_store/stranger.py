# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What another user of this host tries at a store's ports. Run by itself; it becomes that user.

Gets `{user, ports, grpc, sockets, bucket, key, pem, weed, master, filer}` as JSON, and prints whatever was no refusal.
"""

from __future__ import annotations

import http.client
import json
import os
import pwd
import socket
import ssl
import subprocess
import sys
from typing import Any

# What a client of gRPC begins with: the preface of HTTP/2 and an empty frame of settings.
GRPC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
SECONDS = 10


def encryption(pem: str, protocol: str) -> ssl.SSLContext:
    """TLS that takes any server's certificate, and shows the one in the file `pem`, if any."""
    found = ssl.create_default_context()
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    found.set_alpn_protocols([protocol])
    if pem:
        found.load_cert_chain(pem)
    return found


def requests(bucket: str, key: str, folder: str) -> list[tuple[str, str]]:
    """The filer's, the master's and the volumes'. None of them does harm to what is not the test's own."""
    filer = [(method, f"/buckets/{bucket}/{key}") for method in ("GET", "HEAD", "PUT", "POST", "DELETE")]
    filer += [
        ("PUT", f"/buckets/{bucket}/{folder}/another"),
        ("GET", f"/buckets/{bucket}/{folder}/"),
        ("GET", "/buckets/"),
    ]
    master = [("GET", path) for path in ("/dir/assign", "/dir/status", "/vol/status", "/col/delete?collection=none")]
    volume = [(method, "/1,0100000000") for method in ("GET", "PUT", "DELETE")]
    # `/status` of a volume server tells the names of buckets.
    return [*filer, *master, *volume, ("GET", "/status"), ("GET", "/ui/index.html")]


def answer(port: int, method: str, path: str, tls: ssl.SSLContext | None) -> str:
    """The status, where the server took the request for one."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=tls)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    )
    try:
        connection.request(method, path, body=b"changed" if method in ("PUT", "POST") else None)
        reply = connection.getresponse()
        if reply.status in (400, 401, 403, 404, 405):
            return ""
        return f"{method} {path}: {reply.status}"
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def speaks_grpc(port: int, tls: ssl.SSLContext | None) -> str:
    """Whether a server of gRPC begins to speak."""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as plain:
            connection = tls.wrap_socket(plain) if tls else plain
            connection.sendall(GRPC)
            header = connection.recv(9)
    except OSError:
        return ""
    # Its first frame is one of settings.
    return "gRPC" if len(header) == 9 and header[3] == 4 else ""


def shell(given: dict[str, Any], command: str) -> str:
    """What SeaweedFS's own client says, which speaks gRPC to master and filer."""
    line = [given["weed"], "shell", f"-master={given['master']}", f"-filer={given['filer']}"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    try:
        done = subprocess.run(
            line, input=command, env=environment, cwd="/", capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    lines = [line for line in done.stdout.splitlines() if given["folder"].split("/")[0] in line or "object" in line]
    return f"weed shell {command}: {' '.join(lines)}" if lines and not done.returncode else ""


def main() -> None:
    given = json.loads(sys.stdin.read())
    given["folder"] = given["key"].rpartition("/")[0]
    context = {name: encryption(given["pem"], name) for name in ("http/1.1", "h2")}
    if given["user"]:
        account = pwd.getpwnam(given["user"])
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    # At first, while the object is there in any case.
    place = f"/buckets/{given['bucket']}/{given['folder']}"
    said = [said for command in (f"fs.ls {place}", f"fs.rm {place}/object") if (said := shell(given, command))]
    found = {"weed shell": said} if said else {}
    for port in given["ports"]:
        ways = {"http": None, "https": context["http/1.1"]}
        tried = {
            f"{port} {name}": [
                said
                for method, path in requests(given["bucket"], given["key"], given["folder"])
                if (said := answer(port, method, path, tls))
            ]
            for name, tls in ways.items()
        }
        tried[f"{port} grpc"] = [said for tls in (None, context["h2"]) if (said := speaks_grpc(port, tls))]
        found.update({name: said for name, said in tried.items() if said})
    for path in given["sockets"]:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(path)
                found[path] = ["connected"]
            except OSError:
                pass
    print(json.dumps(found))


if __name__ == "__main__":
    main()
