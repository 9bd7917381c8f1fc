"""Who may do what over HTTP: each right is proved by an action that is allowed and one that is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx

from cdc_pipeline.clients import http
from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.right import Right
from cdc_pipeline.verify.strangers import GO_WANTS_TLS

_REFUSED = (401, 403)


def judge_rights(
    prefix: str, what: str, url: str, ca: str, logins: Mapping[str, Login | None], rights: tuple[Right, ...], tag: str
) -> Iterator[Finding]:
    """Tries each of ``rights``, each login with a wrong password, and to speak without encryption. None: tries nothing.

    Args:
        prefix: of the findings' ids.
        what: the service, as in messages.
        url: of the service, whatever its path.
        logins: by the names that ``rights`` have.
        tag: of the role, for the hint.
    """
    if not rights:
        return
    hint = f"Run the tag {tag}; see docs/security/http.md for what each login may do."
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}"
    wrong = {}
    for right in rights:
        status = _status(root, ca, logins.get(right.login), right.method, right.path)
        if (status in _REFUSED) == right.allowed or not status:
            wrong[right.shown()] = f"{status or 'no answer'}, not {'let through' if right.allowed else 'refused'}"
    yield equal(f"{prefix}.rights", f"what {what} lets through and should not, or the reverse", {}, wrong, hint)
    known = {name: login for name, login in logins.items() if login is not None}
    guarded = next(right for right in rights if not right.login and not right.allowed)
    taken = [
        name
        for name, login in known.items()
        if _status(root, ca, Login(login.username, "wrong"), guarded.method, guarded.path) != 401
    ]
    yield equal(f"{prefix}.logins", f"logins of {what} that a wrong password opens", [], taken, hint)
    plain = _plain(f"http://{parts.netloc}", rights[0].path)
    yield equal(f"{prefix}.encrypted", f"answer of {what} to a request without encryption", "none", plain, hint)


def _status(root: str, ca: str, login: Login | None, method: str, path: str) -> int:
    with http.client(root, login, ca) as client:
        try:
            # A body that no service takes for anything: were it let through, nothing would change.
            body = {} if method in ("POST", "PUT") else None
            return client.request(method, path, json=body).status_code
        except httpx.HTTPError:
            return 0


def _plain(root: str, path: str) -> str:
    try:
        with http.client(root) as client:
            answer = client.get(path)
    except httpx.HTTPError:
        return "none"
    if answer.status_code == 400 and GO_WANTS_TLS in answer.content:
        return "none"
    # OpenShift's router sends who asks it so to https://.
    location = answer.headers.get("location", "")
    return "none" if answer.is_redirect and location.startswith("https://") else f"status {answer.status_code}"
