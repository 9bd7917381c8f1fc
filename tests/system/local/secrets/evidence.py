# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All that an instance and its runs say and leave behind: runs that succeed, that are refused, and that fail."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import answers
from canaries import canaries, canary, write
from needles import Search, secrets_of
from places import Processes, SystemLog, Temporary, children, files_below
from site_runs import COMES_BACK, ROOT, Run, Site
from waiting import until

# What a task of a run that fails may wait, in seconds, for a server that does not come up.
_WAITS = 60
_TALKATIVE = ("--diff", "-vvv")
_ANSIBLE_TEMPORARY = Path.home() / ".ansible/tmp"
# Where a run or a process might leave something, beside the instance's own folders.
_SHARED = (
    *map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/log", "/var/cache/cdc-pipeline")),
    *(Path.home() / name for name in (".ansible", ".ansible_async")),
    ROOT,
)


class Plain(Site):
    """Runs playbooks by Ansible's own strategy, as a user without make does."""

    def environment(self) -> Mapping[str, str]:
        return {name: value for name, value in super().environment().items() if "STRATEGY" not in name}


@dataclass
class Evidence:
    """What was seen.

    :param site: the instance, which runs.
    :param folder: of these tests, with the variables that give canaries.
    :param since: when it began, in seconds since the epoch.
    :param secrets: values by name.
    :param unmet: runs that did not end as they were to, with what they said.
    :param said: output of each run and command, by its name.
    :param processes: of the whole host.
    :param temporary: what was in Ansible's temporary folders.
    :param log: what was written to the system's log.
    """

    site: Site
    folder: Path
    since: float = field(default_factory=time.time)
    secrets: dict[str, set[str]] = field(default_factory=dict)
    unmet: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)
    temporary: Temporary = field(default_factory=lambda: Temporary(_ANSIBLE_TEMPORARY))
    log: bytes = b""

    @property
    def search(self) -> Search:
        return Search(self.secrets)

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    @property
    def elsewhere(self) -> Site:
        """An instance that never comes into being: its servers are somebody's own, and refuse it."""
        name = f"{self.site.name}-own"
        return Site(name, self.site.offset, self.site.home.with_name(name), options=self.site.options)

    @property
    def in_cluster(self) -> Site:
        """The instance whose manifests are rendered."""
        name = f"{self.site.name}-cluster"
        return Site(name, 0, self.site.home.with_name(name), options=("-i", "inventories/kubernetes"))

    def learn(self, values: Mapping[str, str]) -> None:
        """From now on these are secrets, too."""
        for name, value in values.items():
            self.secrets.setdefault(name, set()).add(value)

    def read_secrets(self) -> None:
        """Those that the instances keep by now, beside what they kept before."""
        for site in (self.site, self.in_cluster):
            for name, values in secrets_of(site.home).items():
                self.secrets.setdefault(name, set()).update(values)

    def files(self) -> list[Path]:
        """Every file of the instances, and every other one that has changed since; without what these tests wrote."""
        own = {path for path in self.folder.iterdir() if path.is_file()}
        homes = [self.site.home, self.site.reports, self.in_cluster.home, self.elsewhere.home, self.elsewhere.reports]
        return [path for path in (*files_below(homes), *files_below(_SHARED, self.since)) if path not in own]

    def run(self, what: str, site: Site, *arguments: str, playbook: str = "site.yml") -> Run:
        done = site.run(*arguments, *_TALKATIVE, playbook=playbook)
        self.said[what] = done.output
        self.read_secrets()
        return done

    def succeeds(self, what: str, site: Site, *arguments: str, playbook: str = "site.yml") -> None:
        run = self.run(what, site, *arguments, playbook=playbook)
        self._expect(what, run.must_succeed)

    def fails(self, what: str, says: str, site: Site, *arguments: str) -> None:
        run = self.run(what, site, *arguments)
        self._expect(what, lambda: run.must_fail_with(says))

    def _expect(self, what: str, condition: Callable[[], Any]) -> None:
        """What does not hold is told at the end, and the other runs are made all the same."""
        try:
            condition()
        except AssertionError as error:
            self.unmet[what] = str(error)


def gather(found: Evidence) -> None:
    """Sets the instance up, makes its runs fail, and keeps what is seen meanwhile."""
    with ExitStack() as stack:
        log = stack.enter_context(SystemLog())
        stack.enter_context(found.processes)
        stack.enter_context(found.temporary)
        _run_all(found)
        found.processes.look(every=True)
        found.log = log.text(found.since)


def _run_all(found: Evidence) -> None:
    site, plain = found.site, Plain(found.site.name, found.site.offset, found.site.home, options=found.site.options)
    given = canaries()
    extra = {"kafka_connect_secrets_extra": {"canary.password": canary("canary.password")}}
    found.learn(given | extra["kafka_connect_secrets_extra"])
    # As who wants to know what is changed in his database has it.
    common = {"postgresql_settings_extra": {"log_statement": "ddl"}, "java_caches_trained": False, **extra}

    def variables(name: str, **more: Any) -> tuple[str, ...]:
        return write(found.folder / f"{name}.yml", **{**given, **common, **more})

    found.succeeds("the first run", site, *variables("given"))
    _crash(found)
    _refused(found, variables)
    _failing(found, plain, variables)
    _altered(found, site, variables)

    changed = {name: canary(name) for name in ("postgresql_cdc_password", "kafka_watchdog_password")}
    found.learn(changed)
    given |= changed
    found.succeeds("a run with other passwords", site, *variables("changed"))
    load = {"load_test_rate": 20, "load_test_seconds": 5, "load_test_warmup_seconds": 0}
    reports = {"load_test_report_folder": str(site.reports)}
    found.succeeds("a load test", site, *variables("load", **load, **reports), playbook="playbooks/load_test.yml")

    _render(found, given)
    _commands(found)
    found.said |= answers.all_of(site.endpoints())


def _refused(found: Evidence, variables: Any) -> None:
    """Runs that say what is wrong with variables, some of which are secret."""
    site = found.site
    wrong = {
        "snapshot.mode": "sometimes",
        # The worker puts the secret in its place before it says that it is no number.
        "tasks.max": f"${{file:{site.home}/kafka-connect-0/secrets/connect.properties:canary.password}}",
    }
    options = variables("connector", connectors_settings_extra=wrong)
    found.fails("refused settings of the connector", "tasks.max", site, "--tags", "connectors", *options)

    stated = {name: canary(name) for name in ("kafka_admin_pasword", "text", "key")}
    found.learn({f"a wrong variable with {name}": value for name, value in stated.items()})
    endpoint = {"tls": {"enabled": True, "ca": "none", "certificate": "none", "key": stated["key"]}}
    for what, wrong in (
        ("kafka_admin_pasword", {"kafka_admin_pasword": stated["kafka_admin_pasword"]}),
        ("kafka_connect_secrets_extra", {"kafka_connect_secrets_extra": stated["text"]}),
        ("kafka_connect", {"cdc_endpoints_extra": {"kafka_connect": endpoint}}),
    ):
        found.fails(f"a wrong variable, {what}", "nothing has been changed", site, *variables(what, **wrong))

    store, database = site.endpoints()["object_store"], site.endpoints()["postgresql"]
    own = {name: canary(name) for name in ("postgresql_superuser_password", "object_store_secret_access_key")}
    found.learn({f"{name} of servers that refuse it": value for name, value in own.items()})
    options = variables(
        "own",
        **own,
        postgresql_managed=False,
        postgresql_host=database["host"],
        postgresql_port=database["port"],
        object_store_managed=False,
        object_store_endpoint_url=store["endpoint_url"],
        cdc_endpoints_extra={
            name: {"tls": {"enabled": True, "ca": Path(where["ca"]).read_text()}}
            for name, where in (("postgresql", database), ("object_store", store))
        },
    )
    found.fails("servers that refuse the login", "nothing has been changed", found.elsewhere, *options)


def _failing(found: Evidence, plain: Site, variables: Any) -> None:
    """Servers and a connector that do not come up, and the run that repairs them."""
    for role, settings in (
        ("kafka", {"kafka_settings_extra": {"num.io.threads": "banana"}}),
        ("kafka_connect", {"kafka_connect_settings_extra": {"offset.flush.interval.ms": "banana"}}),
        ("schema_registry", {"schema_registry_settings_extra": {"quarkus.http.limits.max-body-size": "banana"}}),
    ):
        options = variables(role, **settings, **{f"{role}_timeout": _WAITS})
        found.fails(f"a run in which {role} fails", "details:", plain, "--tags", role, *options)
    found.succeeds("the run that repairs them", plain, *variables("repaired"))

    secrets_file = f"{found.site.home}/kafka-connect-0/secrets/connect.properties"
    database = found.site.endpoints()["postgresql"]
    refused = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "database.hostname": database["host"],
        "database.port": database["port"],
        "database.dbname": database["dbname"],
        "database.sslmode": "require",
        "database.user": "debezium",
        "database.password": f"${{file:{secrets_file}:canary.password}}",
        "topic.prefix": "canary",
        "slot.name": "canary",
        "plugin.name": "pgoutput",
    }
    stated = {**refused, "database.password": canary("database.password"), "topic.prefix": "stated"}
    found.learn({"a connector's database.password": stated["database.password"]})
    options = variables("refused", connectors_extra={"canary": refused, "stated": stated})
    what, says = "connectors whose password is wrong", "password authentication failed"
    found.fails(what, says, found.site, "--tags", "connectors", *options)


def _altered(found: Evidence, site: Site, variables: Any) -> None:
    """A run that would change credentials on the disk, and the files in which they are."""
    altered = [
        *sorted(path for path in (site.home / "credentials").iterdir() if path.is_file())[::3],
        site.home / "postgresql-0/secrets/superuser-password",
    ]
    before = {path: path.read_text() for path in altered}
    try:
        for path in altered:
            text = canary(path.name)
            found.learn({f"altered {path.relative_to(site.home)}": text})
            path.write_text(f"{text}\n")
        # It fails where it has to sign in with one of them.
        run = found.run("a look at altered credentials", site, "--check", *variables("altered"))
        assert "<another secret>" in run.output, run.output[-3000:]
    finally:
        for path, text in before.items():
            path.write_text(text)


def _crash(found: Evidence) -> None:
    """Has processes end as by an error of their own, where a kernel may write cores."""
    site = found.site
    before, crashed = site.processes(), ("archive-0", "kafka-connect-0", "kafka-2")
    for name in crashed:
        os.kill(before[name], signal.SIGSEGV)
    # Of PostgreSQL one of its processes; it starts all of them again.
    os.kill(children(before["postgresql-0"])[0], signal.SIGSEGV)
    until(
        site.processes,
        lambda now: all(now.get(name, before[name]) != before[name] for name in crashed),
        COMES_BACK,
        "what crashed runs again",
        pause=1,
    )


def _render(found: Evidence, given: Mapping[str, Any]) -> None:
    site = found.in_cluster
    images = {name: f"registry.example.org/cdc/{name}:1" for name in ("kafka_connect", "archive")}
    for name, secrets in (("with", True), ("without", False)):
        options = write(
            found.folder / f"render-{name}.yml",
            **given,
            cdc_images=images,
            images_source="public",
            cdc_kubeconfig="/nonexistent",
            render_secrets=secrets,
            render_folder=str(found.manifests / name),
        )
        found.succeeds(f"manifests {name} secrets", site, *options, playbook="playbooks/render.yml")


def _commands(found: Evidence) -> None:
    home = found.site.home
    for words in (
        ("status",),
        ("status", "--json"),
        ("logs", "--lines", "100000"),
        ("verify",),
        ("audit",),
        ("tables",),
        ("sql", "select count(*) from nothing"),
    ):
        command = [str(home / "bin/cdc"), words[0], "--home", str(home), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        found.said[f"cdc {words[0]}"] = found.said.get(f"cdc {words[0]}", "") + done.stdout + done.stderr
    found.said["cdc verify"] += found.run("verification", found.site, playbook="playbooks/verify.yml").output
