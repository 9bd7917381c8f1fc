# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether Maven's repository answers. A bare host has no Maven to ask, so one request goes to where Maven would."""

from __future__ import annotations

import os
import pwd
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from .._problem import Problem

CENTRAL = "https://repo.maven.apache.org/maven2"
# Any small file that every mirror has.
_FILE = "org/apache/maven/maven-parent/39/maven-parent-39.pom"
_GLOBAL_SETTINGS = Path("/etc/maven/settings.xml")
_OUT_OF_ORDER = (502, 503, 504)


def maven_answers(settings: str, timeout: float) -> Iterator[Problem]:
    """
    :param settings: the settings.xml that Maven will be given; "" for its own.
    """
    own = Path(settings or Path(pwd.getpwuid(os.geteuid()).pw_dir, ".m2/settings.xml"))
    texts = [path.read_text(encoding="utf-8") for path in (own, _GLOBAL_SETTINGS) if path.is_file()]
    url = repository(texts, os.environ.get("MAVEN_OPTS", ""))
    trouble = _ask(f"{url}/{_FILE}", timeout) if url else ""
    if trouble:
        yield Problem(
            "registry",
            "Maven's repository does not answer",
            found=f"{url}: {trouble}",
            remedy="check the network; Maven takes a mirror from the settings.xml that artifacts_maven_settings names, "
            "and a proxy from there or from MAVEN_OPTS (-Dhttps.proxyHost=... -Dhttps.proxyPort=...)",
        )


def repository(settings: Sequence[str], options: str) -> str | None:
    """The URL by which Maven reaches its central repository; None where only Maven itself can tell.

    :param settings: contents of its settings files, the one that counts most first.
    :param options: MAVEN_OPTS.
    """
    if "proxy" in options.lower():
        return None
    for text in settings:
        try:
            tree = ElementTree.fromstring(text)
        except ElementTree.ParseError:
            return None
        for element in tree.iter():
            element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if any(proxy.findtext("active", "true").strip() != "false" for proxy in tree.iterfind("proxies/proxy")):
            return None
        if tree.find("profiles/profile/repositories") is not None:
            return None
        for mirror in tree.iterfind("mirrors/mirror"):
            if _mirrors_central(mirror.findtext("mirrorOf", "")):
                url = mirror.findtext("url", "").strip().rstrip("/")
                return None if "${" in url else url
    return CENTRAL


def _mirrors_central(pattern: str) -> bool:
    parts = [part.strip() for part in pattern.split(",")]
    return "!central" not in parts and not {"*", "central", "external:*"}.isdisjoint(parts)


def _ask(url: str, timeout: float) -> str:
    """What is wrong; "" where somebody answers. Java asks no proxy that the environment names, so nor does this."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout):
            return ""
    except urllib.error.HTTPError as error:
        # A login that Maven has, or a file that is elsewhere, is for Maven to tell.
        return f"HTTP status {error.code}" if error.code in _OUT_OF_ORDER else ""
    except urllib.error.URLError as error:
        # Java has its own list of authorities to trust.
        return "" if isinstance(error.reason, ssl.SSLError) else str(error.reason)
    except (OSError, ValueError) as error:
        return str(error)
