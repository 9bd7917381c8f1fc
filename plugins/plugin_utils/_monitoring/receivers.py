# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Alertmanager's configuration: who is told of which alerts, how they are grouped, which hold others back. Pure."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from .alerts import GONE, scaled

SEVERITIES = ("critical", "warning")
# Fires always: see the alert's definition.
HEARTBEAT = "Watchdog"
# As `depends_on` of an alert: that of the component that its label names.
OF_ITS_LABEL = "component"
_NOBODY = "nobody"
_DEAD_MAN = "dead-man"
# From the first alert of a group until it is sent, so that what follows from the same fault comes along or is held
# back.
_WAIT = "15s"
# Until what joins a group, or ends in it, is sent.
_INTERVAL = "5m"
# Until an alert that continues is sent again.
_REPEAT = {"critical": "4h", "warning": "24h"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}\Z")
# Alone, or behind the name of a person.
_ADDRESS = re.compile(r"([^<>@]*<[^<>@\s,]+@[^<>@\s,]+>|[^<>@\s,]+@[^<>@\s,]+)\Z")


def problems(receivers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the stated receivers: for each the receiver's name, what it is, and what to do."""
    seen: set[str] = set()
    for receiver in receivers:
        name = str(receiver.get("name") or "")
        ways = [way for way in ("email", "slack", "webhook") if receiver.get(way)]
        if not _NAME.match(name) or name in (_NOBODY, _DEAD_MAN):
            yield name, "is not a valid name", "name it with letters, digits, blanks and ._-, such as on-call"
        if _file_name(name) in seen:
            yield name, "is defined twice", "give each receiver a name of its own, by letters and digits"
        seen.add(_file_name(name))
        if not ways:
            yield name, "receives no notifications", "add email, slack or webhook"
        if "email" in ways:
            yield from ((name, *each) for each in _email_problems(receiver["email"]))
        for way in ways:
            stated = receiver[way]
            if way != "email" and not is_url(stated.get("url")):
                # The address of a webhook is as good as a password.
                yield name, f"has a {way}.url that is no URL with http:// or https://", "copy it from the service"
            if stated.get("ca") and not _is_authority(stated["ca"]):
                yield name, f"has a {way}.ca without a certificate", "give the text of a file in PEM"


def is_url(text: Any) -> bool:
    """Whether it can be called by HTTP."""
    try:
        parts = urlsplit(str(text or ""))
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and not re.search(r"\s", str(text))


def _email_problems(email: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    server = re.match(r"[^:\s]+:(\d{1,5})\Z", str(email.get("server") or ""))
    if not server or not 0 < int(server[1]) < 65536:
        yield "has an email.server that is not host:port", "write it such as smtp.example.org:587"
    if bool(email.get("username")) != bool(email.get("password")):
        yield "has one of email.username and email.password", "give both, or none"
    to, sender = email.get("to") or [], email.get("from")
    if not to:
        yield "has an email.to that names nobody", "add an address"
    for each in (*to, sender):
        if not _ADDRESS.match(str(each or "")):
            yield f"has in email an address that is none, {each!r}", "write it such as on-call@example.org"


def _is_authority(text: str) -> bool:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _file_name(name: str) -> str:
    """Of the files of a receiver, and so not of another's."""
    return re.sub(r"[^A-Za-z0-9-]", "_", name)


def configuration(
    receivers: Sequence[Mapping[str, Any]],
    definition: Mapping[str, Sequence[Mapping[str, Any]]],
    dead_man: str,
    scale: float,
    folder: str,
    depends: Mapping[str, Sequence[str]] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Alertmanager's configuration, and the further files that it names below ``folder``, by their names.

    Args:
        receivers: each with name, and any of email, slack and webhook; severities, by default all.
        definition: alerts by subsystem, as the file of rules is made of them.
        dead_man: URL that is called all the time while alerts are sent; empty for none.
        scale: by which times are multiplied.
        depends: what each component depends on, also by way of others.
    """
    told = {name: _told(receiver, folder) for receiver in receivers for name in (receiver["name"],)}
    config = {
        "route": {
            "receiver": _NOBODY,
            # A message lists what has ended in its group, also what was held back: never beside what held it back.
            "group_by": ["instance_name", "alertname", "component"],
            "group_wait": scaled(_WAIT, scale),
            "group_interval": scaled(_INTERVAL, scale),
            "repeat_interval": _REPEAT["critical"],
            "routes": [*_dead_man_route(dead_man, scale), *(route for each in receivers for route in _routes(each))],
        },
        "inhibit_rules": list(_inhibitions(definition, depends or {})),
        "receivers": [
            {"name": _NOBODY},
            *([{"name": _DEAD_MAN, "webhook_configs": [{"url": dead_man}]}] if dead_man else []),
            *({"name": name, **ways} for name, (ways, _files) in told.items()),
        ],
    }
    return config, {file: text for _ways, files in told.values() for file, text in files.items()}


def _dead_man_route(url: str, scale: float) -> list[dict[str, Any]]:
    always = [f'alertname="{HEARTBEAT}"']
    if not url:
        return [{"matchers": always, "receiver": _NOBODY}]
    often = {name: scaled("1m", scale) for name in ("group_interval", "repeat_interval")}
    return [{"matchers": always, "receiver": _DEAD_MAN, "group_wait": "0s", **often}]


def _routes(receiver: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for severity in receiver.get("severities") or SEVERITIES:
        yield {
            "matchers": [f'severity="{severity}"'],
            "receiver": receiver["name"],
            "repeat_interval": _REPEAT[severity],
            # The next receiver is told as well.
            "continue": True,
        }


def _told(receiver: Mapping[str, Any], folder: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The receiver's ways, and the files that they name."""
    ways: dict[str, Any] = {}
    files: dict[str, str] = {}
    name = _file_name(receiver["name"])

    def file(kind: str, text: str) -> str:
        files[f"receivers/{name}.{kind}"] = text
        return f"{folder}/receivers/{name}.{kind}"

    if email := receiver.get("email"):
        entry = {
            "to": ", ".join(email["to"]),
            "from": email["from"],
            "smarthost": email["server"],
            "require_tls": email.get("require_tls") is not False,
            "send_resolved": True,
        }
        if email.get("username"):
            entry |= {"auth_username": email["username"], "auth_password_file": file("email", email["password"])}
        if email.get("ca"):
            entry["tls_config"] = {"ca_file": file("email.pem", email["ca"])}
        ways["email_configs"] = [entry]
    if slack := receiver.get("slack"):
        entry = {"api_url_file": file("slack", slack["url"]), "send_resolved": True}
        ways["slack_configs"] = [entry | ({"channel": slack["channel"]} if slack.get("channel") else {})]
    if webhook := receiver.get("webhook"):
        http: dict[str, Any] = {}
        if webhook.get("token"):
            http["authorization"] = {"credentials_file": file("webhook", webhook["token"])}
        if webhook.get("ca"):
            http["tls_config"] = {"ca_file": file("webhook.pem", webhook["ca"])}
        entry = {"url": webhook["url"], "send_resolved": True}
        ways["webhook_configs"] = [entry | ({"http_config": http} if http else {})]
    return ways, files


def _inhibitions(
    definition: Mapping[str, Sequence[Mapping[str, Any]]], depends: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    for alert in (alert for alerts in definition.values() for alert in alerts):
        target = {"alertname": alert["alert"]}
        told_of = alert.get("depends_on") or []
        if told_of == OF_ITS_LABEL:
            for component, below in depends.items():
                yield from _gone({**target, "component": component}, below)
        else:
            yield from _gone(target, {*told_of, *(each for name in told_of for each in depends.get(name, ()))})
        for source, stated in (alert.get("inhibited_by") or {}).items():
            for labels in stated if isinstance(stated, list) else [stated or {}]:
                wanted = {name: value for name, value in labels.items() if name != "equal"}
                yield _inhibition({"alertname": source, **wanted}, target, labels.get("equal", []))


def _gone(target: Mapping[str, str], components: Collection[str]) -> Iterator[dict[str, Any]]:
    if components:
        yield _inhibition({"alertname": GONE, "component": sorted(components)}, target, [])


def _inhibition(source: Mapping[str, Any], target: Mapping[str, Any], equal: Sequence[str]) -> dict[str, Any]:
    return {
        "source_matchers": [_matcher(*each) for each in source.items()],
        "target_matchers": [_matcher(*each) for each in target.items()],
        "equal": ["instance_name", *equal],
    }


def _matcher(label: str, value: str | Sequence[str]) -> str:
    return f'{label}="{value}"' if isinstance(value, str) else f'{label}=~"{"|".join(value)}"'
