# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every check of a host, in the order in which a user would fix what they find."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._artifact.catalogue import FROM_MAVEN, read_catalogue
from .._module import Outcome
from .._problem import PreflightError, Problem
from . import host, registries
from .busy_ports import busy_ports
from .kind_host import KindCluster, look, taken_ports
from .maven import maven_answers
from .own_processes import own_processes
from .storage import free_mib, storage


def examine(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Look at everything; nothing is written, with or without check mode.

    :param params: the options of the module `preflight_host`.
    :raises PreflightError: with all problems.
    """
    home, cache = Path(params["home"]), Path(params["cache"])
    own = own_processes(home)
    packages = registries.missing_packages(params["debian_packages"])
    missing = [item for item in read_catalogue(params["artifacts"], cache) if not item.present and not item.apart]
    artifacts = [item.name for item in missing]
    fetched = {item.kind for item in missing} - {"python_package"}
    room = {"home": params["home_free_mib"], "kept": params["home_kept_free_mib"], "cache": params["cache_free_mib"]}

    problems, warnings = host.operating_system() if params["debian"] else host.processor()
    problems += host.python()
    problems += host.rights() if params["root"] else ()
    wrong, odd = host.clock(home)
    problems += wrong
    warnings += odd
    ports, cluster = params["ports"], KindCluster()
    if params["kind_cluster"]:
        cluster, absent = look(params["kind_cluster"], params["kind_binary"])
        problems += absent
        ports = [item for item in ports if not (cluster.nodes and item["spare"])]
        # Whoever publishes them for its nodes, they are the instance's own.
        ports = [item for item in ports if item["port"] not in cluster.ports]
        problems += taken_ports(ports, cluster.others)
        ports = [item for item in ports if item["port"] not in cluster.others]
    # What a cluster that stands holds cannot be told from what others do.
    problems += () if cluster.nodes else host.memory(params["memory_mib"], sum(own.values()))
    problems += storage(free_mib(room, home, cache, bool(fetched)))
    problems += busy_ports(ports, lambda: own_processes(home))
    problems += _registries(params, packages, fetched)
    problems += _own_servers(params)
    if problems:
        raise PreflightError("this host", problems)
    return Outcome(
        changed=False, facts={"own_processes": sorted(own), "missing": packages + artifacts}, warnings=warnings
    )


def _own_servers(params: Mapping[str, Any]) -> list[Problem]:
    # Their libraries take a quarter of a second to load, which every run would pay.
    found: list[Problem] = []
    if params["postgresql"]:
        from .own_postgresql import check_server

        found += check_server(params["postgresql"])
    if params["object_store"]:
        from .own_object_store import check_store

        found += check_store(params["object_store"])
    return found


def _registries(params: Mapping[str, Any], packages: list[str], fetched: set[str]) -> list[Problem]:
    timeout = params["registry_timeout"]
    found: list[Problem] = []
    if "venv" in fetched:
        found += registries.pip_answers(timeout)
    if fetched.intersection(FROM_MAVEN):
        found += maven_answers(params["maven_settings"] or "", timeout)
    if packages:
        found += registries.apt_answers(packages, timeout)
    return found
