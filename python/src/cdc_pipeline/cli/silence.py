"""`cdc silence`."""

from __future__ import annotations

import datetime as dt
import difflib
import getpass
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import click
import httpx

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.log_times import since
from cdc_pipeline.cli.options import as_json, for_instance
from cdc_pipeline.cli.output import print_json, print_table
from cdc_pipeline.cli.tunnels import reached
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import Plan

_DURATION = re.compile(r"\d{1,6}[smhd]")
_COLUMNS = ("silence", "alert", "until", "by", "comment")


@click.command()
@click.argument("alert", required=False)
@click.argument("labels", nargs=-1, metavar="[LABEL=VALUE]...")
@click.option("--for", "lasts", default="2h", show_default=True, help="How long, such as 30m, 2h or 3d.")
@click.option("--comment", default="", help="The reason, for readers of the silence.")
@click.option("--end", "ended", metavar="SILENCE", help="End the silence with this id instead.")
@for_instance
@as_json
def command(
    instance: Instance,
    alert: str | None,
    labels: tuple[str, ...],
    lasts: str,
    comment: str,
    ended: str | None,
    json_output: bool,
) -> int:
    """Have nobody told of ALERT for a while. Without ALERT, list the silences there are.

    The alert stays active and visible. Of several with its name, only those with each LABEL=VALUE are silenced.

    \b
      cdc silence ComponentDown replica=kafka-1 --for 30m --comment "new disk"
      cdc silence
      cdc silence --end 3f0c1a52-8a1e-4a6e-9c51-0f6f5a0f1c11
    """
    if alert and ended:
        raise click.UsageError("ALERT starts a silence and --end ends one; use only one of them.")
    if not _DURATION.fullmatch(lasts):
        raise click.BadParameter(f"{lasts!r} is not a duration such as 30m, 2h or 3d", param_hint="--for")
    matchers = [_matcher(each) for each in labels]
    plan = instance.plan()
    with reached(instance):
        if ended:
            _end(plan, ended)
            click.echo(f"The silence {ended} has ended.")
        elif alert:
            _know(plan, alert)
            now = dt.datetime.now(dt.UTC)
            until = now + (now - since(lasts, now))
            number = _begin(plan, [{"name": "alertname", "value": alert}, *matchers], now, until, comment)
            click.echo(f"{alert} is silenced until {until:%Y-%m-%d %H:%M} UTC: silence {number}")
        else:
            found = _active(plan)
            if json_output:
                print_json(found)
            elif found:
                print_table(_COLUMNS, [_row(each) for each in found])
            else:
                click.echo("There are no silences.")
    return 0


def _matcher(text: str) -> dict[str, str]:
    name, equal, value = text.partition("=")
    if not equal or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise click.BadParameter(f"{text!r} is not LABEL=VALUE, such as replica=kafka-1", param_hint="LABEL=VALUE")
    return {"name": name, "value": value}


def _ask(plan: Plan, method: str, path: str, **options: Any) -> httpx.Response:
    """
    Raises:
        CdcError: nobody watches, Alertmanager does not answer, or it refuses.
    """
    try:
        with Context(plan).alertmanager as client:
            answer = client.request(method, path, **options)
    except LookupError as error:
        raise CdcError(f"{error}. Set it to true and run the site again.") from None
    except (httpx.HTTPError, OSError) as error:
        raise CdcError(f"Alertmanager does not answer: {error}. Check cdc status, cdc logs alertmanager") from None
    if answer.is_error:
        raise CdcError(f"Alertmanager refuses {method} {path}: {answer.status_code} {answer.text.strip()[:200]}")
    return answer


def _know(plan: Plan, alert: str) -> None:
    """
    Raises:
        CdcError: Prometheus evaluates no alert of that name.
    """
    try:
        with Context(plan).prometheus as client:
            answer = client.get("/api/v1/rules", params={"type": "alert"}).raise_for_status()
    except LookupError as error:
        raise CdcError(f"{error}. Set it to true and run the site again.") from None
    except (httpx.HTTPError, OSError) as error:
        raise CdcError(f"Prometheus does not answer: {error}. Check cdc status, cdc logs prometheus") from None
    names = {rule["name"] for group in answer.json()["data"]["groups"] for rule in group["rules"]}
    if alert not in names:
        near = difflib.get_close_matches(alert, names, 1)
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(names))}."
        raise CdcError(f"There is no alert {alert!r}.{hint}")


def _begin(
    plan: Plan, matchers: Iterable[Mapping[str, str]], now: dt.datetime, until: dt.datetime, comment: str
) -> str:
    body = {
        "matchers": [{**each, "isRegex": False, "isEqual": True} for each in matchers],
        "startsAt": now.isoformat(),
        "endsAt": until.isoformat(),
        "createdBy": os.environ.get("SUDO_USER") or getpass.getuser(),
        "comment": comment or "by cdc silence",
    }
    return str(_ask(plan, "POST", "/api/v2/silences", json=body).json()["silenceID"])


def _end(plan: Plan, number: str) -> None:
    if number not in {each["id"] for each in _active(plan)}:
        raise CdcError(f"There is no silence {number}. `cdc silence` lists all silences.")
    _ask(plan, "DELETE", f"/api/v2/silence/{number}")


def _active(plan: Plan) -> list[dict[str, Any]]:
    found = _ask(plan, "GET", "/api/v2/silences").json()
    return [each for each in found if each["status"]["state"] != "expired"]


def _row(silence: Mapping[str, Any]) -> tuple[str, ...]:
    shown = {each["name"]: ("~" if each.get("isRegex") else "") + each["value"] for each in silence["matchers"]}
    alert = " ".join([shown.pop("alertname", "every alert"), *(f"{name}={value}" for name, value in shown.items())])
    until = dt.datetime.fromisoformat(silence["endsAt"]).strftime("%Y-%m-%d %H:%M UTC")
    return silence["id"], alert, until, silence["createdBy"], silence["comment"]
