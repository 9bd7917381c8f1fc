"""`cdc user`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from confluent_kafka import KafkaException

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance, forbidden
from cdc_pipeline.cli.options import as_json, for_instance
from cdc_pipeline.cli.output import print_json, print_table
from cdc_pipeline.cli.pods import cluster_of
from cdc_pipeline.cli.processes import replicas, supervisor_of
from cdc_pipeline.cli.tunnels import reached
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.people import book, handout
from cdc_pipeline.people.cluster import pod_registry, pod_servers, runs_store, shell_in, write_secret
from cdc_pipeline.people.kafka import KafkaServer
from cdc_pipeline.people.logins import FOLDER, OPERATOR, READER, Person, write_logins
from cdc_pipeline.people.place import Place, UnansweredError
from cdc_pipeline.people.standing import Server
from cdc_pipeline.people.store import ObjectStore, shell_of
from cdc_pipeline.people.web import Registry, web_servers

_REGISTRY, _STORE = "schema-registry-0", "object-store-0"


@click.group()
def command() -> None:
    """Give people a login of their own, and take it away.

    One login is for Kafka, the object store, the schema registry, Kafka Connect, the archive, the watchdog and
    monitoring. A reader reads topics, schemas, the archive, connectors, states, dashboards and alerts, and changes
    nothing. An operator also changes schemas and connectors, silences alerts, and reads all topics and groups of
    Kafka. The command needs a pipeline with cdc_security: true, and for one on this host root.
    """


@command.command()
@click.argument("name")
@click.option("--operator", is_flag=True, help="Also let NAME change schemas and connectors, and silence alerts.")
@for_instance
def add(instance: Instance, name: str, operator: bool) -> int:
    """Make a login for NAME.

    Its password, the certificate authorities to trust, and programs in Python and Java to begin with are written to a
    folder that only its owner may read, on a host root; pass on a copy of it. No secret is printed. The schema
    registry is restarted, because it reads its users only at its start. If the command was interrupted, run it again.
    If the login already exists, nothing is changed.

    \b
      cdc user add ada
      cdc user add bob --operator
    """
    right = OPERATOR if operator else READER
    _require_place(instance)
    plan = instance.plan()
    _require_security(instance, plan)
    if (problem := book.problem_with(name, book.taken_names(plan.endpoints))) is not None:
        raise click.BadParameter(f"{name!r}: {problem}", param_hint="NAME")
    with _changing(instance):
        known = book.read_people(instance.home).get(name)
        if known is not None and known.leaving:
            raise CdcError(
                f"{name} is being removed. Run `cdc user remove {name}` until it succeeds, then add the name again."
            )
        if known is not None and known.right != right:
            raise CdcError(
                f"{name} is there already as {_a(known.right)}, and nothing was changed. To make {name} {_a(right)},"
                f" run `cdc user remove {name}` first; the password changes with it."
            )
        person = known or book.new_person(name, right)
        servers = _servers(instance, plan)
        if known is None:
            _require_unknown(person, servers)
        changed = _place(instance, servers).admit(person)
        topics = plan.expected.connectors.topics
        changed |= handout.hand_out(instance.home, person, plan.endpoints, topics)
    folder = handout.folder_of(instance.home, name)
    if not changed:
        click.echo(f"{name} is there already as {_a(right)}; nothing was changed. The login is in {folder}.")
        return 0
    click.echo(f"{name} is {_a(right)} now, at {_and([server.title for server in servers])}.")
    if not any(isinstance(server, ObjectStore) for server in servers):
        click.echo(f"The object store is your own: give {name} an identity there that may read the bucket.")
    click.echo(
        f"The login (login.json), the authorities to trust (ca.pem) and programs ({', '.join(handout.PROGRAMS)})\n"
        f"are in {folder}, which only its owner may read. Pass it on, for example to a user of this host:\n"
        f"  sudo cp -rT {folder} ~{name}/cdc && sudo chown -R {name}: ~{name}/cdc"
    )
    if instance.note.forwards:
        click.echo(
            "Its addresses are ports of this host that lead to pods while a playbook or `cdc` runs. How to reach the"
            " servers otherwise: docs/security/people.md."
        )
    return 0


@command.command()
@click.argument("name")
@for_instance
def remove(instance: Instance, name: str) -> int:
    """Take the login of NAME away, and prove that it is refused.

    The login is tried at every server and every broker. The command ends with 0 only when all of them refuse it.
    Connections to Kafka that are open lose their rights. The schema registry is restarted. If the command was
    interrupted or a server did not answer, run it again.
    """
    _require_place(instance)
    plan = instance.plan()
    with _changing(instance):
        person = book.read_people(instance.home).get(name)
        if person is None:
            click.echo(f"There is no {name}, and nothing was changed. `cdc user list` shows all users.")
            return 0
        _require_security(instance, plan)
        place = _place(instance, _servers(instance, plan))
        # First, so that nothing is left of it once the name is forgotten.
        handout.take_back(instance.home, name)
        refused = place.dismiss(dataclasses.replace(person, leaving=True))
    click.echo(f"{name} is removed. The login was tried, and is refused by")
    for address in refused:
        click.echo(f"  {address}")
    return 0


@command.command("list")
@for_instance
@as_json
def list_(instance: Instance, json_output: bool) -> int:
    """Show who has a login."""
    _require_place(instance)
    with _readable():
        people = book.read_people(instance.home).values()
    if json_output:
        print_json([{"name": each.name, "right": each.right, "leaving": each.leaving} for each in people])
    elif people:
        rows = [(each.name, each.right, "is being removed" if each.leaving else "") for each in people]
        print_table(("NAME", "RIGHT", ""), rows)
    else:
        click.echo("No person has a login. `cdc user add NAME` creates one.")
    return 0


def _require_place(instance: Instance) -> None:
    # Of a pipeline in a cluster the folder belongs to whoever runs its playbooks.
    if instance.note.cluster is None and os.geteuid() != 0:
        raise CdcError("`cdc user` needs root privileges. Run it as root: sudo cdc user ...")


def _require_security(instance: Instance, plan: Plan) -> None:
    if not plan.endpoints.kafka.users:
        raise CdcError(
            f"The instance {instance.name} has cdc_security: false. Its servers require no login, so logins cannot be"
            f" created. Set cdc_security: true in your inventory and run `{instance.note.run('site')}`."
        )


@contextlib.contextmanager
def _changing(instance: Instance) -> Iterator[None]:
    """Nobody else changes people meanwhile; what goes wrong is said in a sentence.

    Raises:
        CdcError: a playbook is at work, or as the text says.
    """
    run = book.running_playbook(instance.home)
    if run is not None:
        raise CdcError(f"A playbook uses the instance {instance.name}: {run}. Wait until it ends, and run this again.")
    try:
        with _readable(), book.alone(_lock(instance), _says_that_it_waits), reached(instance):
            yield
    except FileNotFoundError as error:
        raise CdcError(
            f"{error.filename} is missing, as after an upgrade. Run `{instance.note.run('site')}`, and this again."
        ) from None
    except UnansweredError as error:
        raise CdcError(
            f"{error}. Completed steps are kept. See `cdc status`, then run the same command again to complete it."
        ) from None


def _lock(instance: Instance) -> Path:
    """The folder that is locked: of the servers' files on a host, of the book where there are none."""
    return instance.home / (FOLDER if instance.note.cluster is None else book.FILE.parent)


def _place(instance: Instance, servers: list[Server]) -> Place:
    if instance.note.cluster is None:
        folder = instance.home / FOLDER
        return Place(instance.home, lambda people: write_logins(folder, people), servers, click.echo)
    cluster = cluster_of(instance)
    return Place(instance.home, lambda people: _write_secret(cluster, people), servers, click.echo)


def _write_secret(cluster: Cluster, people: Iterable[Person]) -> bool:
    changed = write_secret(cluster, people)
    if changed:
        click.echo("The cluster brings the file of people into the pods, which takes up to one and a half minutes.")
    return changed


def _says_that_it_waits() -> None:
    click.echo("Another `cdc user` is running; this one waits until it ends.", err=True)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise forbidden(error.filename) from None
    except ValueError as error:
        raise CdcError(f"{error}. Restore it from a backup.") from None


def _require_unknown(person: Person, servers: list[Server]) -> None:
    """Raises CdcError where Kafka has a user or rules of this name that `cdc user` did not make."""
    try:
        known = any(isinstance(server, KafkaServer) and server.knows(person) for server in servers)
    except (OSError, KafkaException) as error:
        raise CdcError(f"Kafka does not answer: {error}. See `cdc status`, then run this again.") from None
    if known:
        raise CdcError(
            f"Kafka has a user or rules (ACLs) of the name {person.name} already, which `cdc user` did not make."
            " Nothing was changed. Take another name, or remove them with the modules kafka_user and kafka_acl."
        )


def _servers(instance: Instance, plan: Plan) -> list[Server]:
    """All of them; the schema registry last, since it is away for some seconds."""
    at, expected = plan.endpoints, plan.expected
    topics = expected.connectors.topics
    kafka = KafkaServer(at.kafka, expected.connectors.topic_prefix, topics[0] if topics else "")
    if instance.note.cluster is not None:
        cluster = cluster_of(instance)
        store = [ObjectStore(at.object_store, shell_in(cluster))] if runs_store(cluster) else []
        pods = pod_servers(
            cluster, instance.home, archive=expected.archive.service, monitoring=at.monitoring is not None
        )
        return [kafka, *pods, *store, pod_registry(cluster, instance.home, at, click.echo)]
    registry = at.schema_registry
    found: list[Server] = [kafka, *web_servers(at, archive=expected.archive.service)]
    process = replicas(instance.home).get(_STORE)
    if process is not None:
        found.append(ObjectStore(at.object_store, shell_of(process)))
    supervisor = supervisor_of(instance.home / "supervisor")
    found.append(
        Registry("the schema registry", (registry.url,), registry.ca, "/subjects", supervisor, _REGISTRY, click.echo)
    )
    return found


def _a(right: str) -> str:
    return "an operator" if right == OPERATOR else "a reader"


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
