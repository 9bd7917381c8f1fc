# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The local runtime's plan and decisions, without touching anything."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Difference, Disk, Target
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.decide import (
    KEEP,
    RESTART,
    START,
    Observed,
    decide,
    sections,
    surplus,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.host import configuration, tool, unit
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.plan import plan
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.supervisor import Process
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload

INSTANCE = {
    "name": "local",
    "home": "/var/lib/cdc/local",
    "port_offset": 100,
    "user": "cdc",
    "artifacts": {"kafka": "/cache/kafka-1", "python": "/cache/python-1"},
    "java": "/cache/java",
    "python": "/cache/python-1/bin/python",
    "services": "/cache/services-1",
}
SPEC = {
    "name": "kafka",
    "replicas": 3,
    "artifact": "kafka",
    "command": ["@{java}", "-cp", "@{artifact}/*", "@{artifact.python}", "@{memory_limit_mib}"],
    "files": {"server.properties": "id=@{node_id} @{nodes.controller} @{external.client} @{hosts.client}"},
    "secrets": {"password": "s3cret-value"},
    "ports": {"client": {"port": 9092, "step": 1}, "controller": {"port": 19092, "step": 1}},
    "probes": {"liveness": {"tcp": "client"}},
    "resources": {"memory": {"limit": "682Mi"}},
}


def made(instance=None, **changes):
    return plan(parse_workload({**SPEC, **changes}), parse_instance({**INSTANCE, **(instance or {})}))


def test_tokens_are_those_of_the_replica():
    replica = made().replicas[1].replica
    assert replica.command == ("/cache/java", "-cp", "/cache/kafka-1/*", "/cache/python-1", "682")
    assert replica.files["server.properties"] == (
        "id=2 1@127.0.0.1:19192,2@127.0.0.1:19193,3@127.0.0.1:19194 127.0.0.1:9193 "
        "127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194"
    )


def test_launch_file_holds_no_secret_and_a_whole_environment():
    item = made(env={"A": "@{data}"}).replicas[0]
    text = json.dumps(item.launch)
    assert "s3cret" not in text
    assert item.launch["start"]["env"]["A"] == "/var/lib/cdc/local/kafka-0/data"
    assert item.launch["start"]["env"]["USER"] == "cdc" and item.launch["start"]["memory_bytes"] == 682 * 2**20
    assert item.launch["probes"]["liveness"]["tcp"] == {"host": "127.0.0.1", "port": 9192}


def test_digest_covers_what_a_process_reads():
    def digest(**changes):
        return made(**changes).replicas[0].digest

    same = digest()
    assert same == digest(probes={}) == digest(replicas=3)
    for change in ({"secrets": {"password": "other"}}, {"files": {}}, {"env": {"A": "1"}}, {"command": ["x"]}):
        assert digest(**change) != same


def test_secrets_are_readable_by_the_process_alone():
    targets = {item.path.name: item for item in made().replicas[0].targets}
    assert (targets["password"].mode, targets["password"].owner, targets["password"].secret) == (0o400, "cdc", True)
    assert (targets["server.properties"].mode, targets["server.properties"].owner) == (0o640, None)
    assert targets["kafka-0.json"].mode == 0o600


def test_binary_files_are_written_as_they_are(tmp_path):
    store = b"\xfe\xed@{unknown}\r\n"
    encoded = {"base64": base64.b64encode(store).decode()}
    item = made({"home": str(tmp_path)}, files={"trust.jks": encoded}, secrets={"key.jks": encoded}).replicas[0]
    assert item.digest != made({"home": str(tmp_path)}, files={}, secrets={"key.jks": encoded}).replicas[0].digest
    disk = Disk(root=False)
    for target in item.targets:
        disk.write(target)
        assert disk.differs(target) is None
    trust, key = (tmp_path / "kafka-0" / name for name in ("config/trust.jks", "secrets/key.jks"))
    assert trust.read_bytes() == key.read_bytes() == store


def test_of_a_binary_file_a_difference_shows_size_and_checksum(tmp_path):
    disk = Disk(root=False)
    disk.write(Target(tmp_path / "a", b"\xff old", 0o600))
    found = disk.differs(Target(tmp_path / "a", b"\xff newer", 0o600)).shown()
    assert found["before"].startswith("<binary, 5 bytes, sha256 ") and "old" not in found["before"]
    assert found["after"].startswith("<binary, 7 bytes, sha256 ") and found["after"] != found["before"]
    assert disk.differs(Target(tmp_path / "a", "text", 0o600)).shown()["before"] == found["before"]
    secret = disk.differs(Target(tmp_path / "a", b"new", 0o600, secret=True)).shown()
    assert secret["before"] == "<secret>\n" and secret["after"] == "<another secret>\n"


def test_an_http_probe_says_how_to_ask():
    http = {"port": "client", "path": "/ready", "headers": {"Host": "x"}}
    plain = made(probes={"readiness": {"http": http}}).replicas[0].launch["probes"]["readiness"]["http"]
    asked = {"host": "127.0.0.1", "port": 9192, "path": "/ready", "headers": {"Host": "x"}}
    assert plain == {**asked, "scheme": "http", "ca": None}
    http |= {"scheme": "https", "ca": "@{config}/ca.pem", "login": "@{secrets}/login.json"}
    secured = made(probes={"readiness": {"http": http}}).replicas[0].launch["probes"]["readiness"]["http"]
    there = "/var/lib/cdc/local/kafka-0"
    files = {"ca": f"{there}/config/ca.pem", "login": f"{there}/secrets/login.json"}
    assert secured == {**asked, "scheme": "https", **files}


def test_mistakes_are_named():
    with pytest.raises(SpecError) as caught:
        made(artifact="kafak", env={"A": "@{dta}"})
    assert caught.value.problems == [
        "artifact: 'kafak' is not installed in this instance (installed: kafka, python)",
        "command[2]: unknown token @{artifact}; did you mean @{artifact.kafka}?"
        if "artifact.kafka" in caught.value.problems[1]
        else caught.value.problems[1],
        "env.A: unknown token @{dta}; did you mean @{data}?",
    ]


@pytest.mark.parametrize("home", ["/with a blank", "relative"])
def test_homes_that_cannot_work(home):
    with pytest.raises(SpecError):
        parse_instance({**INSTANCE, "home": home})


def test_a_long_home_has_its_socket_under_run():
    assert str(parse_instance(INSTANCE).socket) == "/var/lib/cdc/local/supervisor/supervisor.sock"
    first = parse_instance({**INSTANCE, "home": "/" + "x" * 120}).socket
    second = parse_instance({**INSTANCE, "home": "/" + "y" * 120}).socket
    assert str(first).startswith("/run/cdc-pipeline-") and first != second and len(str(first)) < 60


def test_java_may_hold_a_version(tmp_path):
    (tmp_path / "python3.11").mkdir()
    java = tmp_path / "python3.11" / "java"
    java.touch()
    instance = parse_instance({**INSTANCE, "java": f"{tmp_path}/python3*/java"})
    assert instance.with_java().java == str(java)
    assert parse_instance({**INSTANCE, "java": "/none/*/java"}).with_java().java == "/none/*/java"


def test_supervisor_files_escape_and_name_stable_paths():
    item = made({"home": "/srv/100%"})
    assert "command=/srv/100%%/supervisor/tools/cdc-run /srv/100%%/supervisor/replicas/kafka-0.json" in (
        item.programs.content
    )
    instance = parse_instance(INSTANCE)
    assert "/cache" not in configuration(instance, root=True) + made().programs.content + unit(instance)
    assert tool(instance, "cdc-run").startswith("#!/cache/python-1/bin/python -IS\n")
    # Whatever is started inherits it.
    assert tool(instance, "supervisord").endswith("\nforbid()\nsys.exit(main())\n")
    assert "ExecStartPre" not in unit(instance)
    assert "ExecStartPre=/bin/mkdir -p -m 0700 /run/" in unit(parse_instance({**INSTANCE, "home": "/" + "x" * 120}))


def ending(kind, **changes):
    given = {"kind": kind, "replicas": 1, "ports": {}, "probes": {}, "files": {}, "command": ["@{java}"]}
    return made(**{**given, **changes})


def test_a_cronjob_is_supervised_by_its_scheduler_and_a_job_is_not():
    found = ending("cronjob", schedule="@daily", stop_signal="INT", stop_grace=7, deadline_seconds=60)
    assert found.replicas[0].launch["cron"] == {
        "schedule": "0 0 * * *",
        "deadline_seconds": 60,
        "starting_deadline_seconds": None,
    }
    text = found.programs.content
    assert "/tools/cdc-cron /var/lib/cdc/local/supervisor/replicas/kafka-0.json" in text
    assert "stopsignal=TERM" in text and "stopwaitsecs=12" in text, "it has to see its run's end"
    assert ending("job").programs.content == "" and "cron" not in ending("job").replicas[0].launch


def test_a_job_is_another_one_when_it_does_something_else():
    digests = [
        ending("job").replicas[0].digest,
        ending("job", command=["x"]).replicas[0].digest,
        ending("job", deadline_seconds=60).replicas[0].digest,
        ending("cronjob", schedule="@daily").replicas[0].digest,
        ending("service").replicas[0].digest,
    ]
    assert len(set(digests)) == 5 and digests[0] == ending("job").replicas[0].digest


def process(state="RUNNING"):
    return Process("kafka-0", state, 1, 1, 2, 0, "")


def test_decisions():
    item = made().replicas[0]
    edited = Difference(item.targets[0].path, "a", "b", restarts=True)
    rights = Difference(item.targets[0].path, "a", "a", attributes=("mode=0777", "mode=0640"))

    runs = process()

    def action(differences=(), applied=item.digest, found=runs, **options):
        wanted = options.pop("restart", False)
        rereads = options.pop("rereads", False)
        decision = decide(item, Observed(found, applied, tuple(differences), **options), wanted, rereads)
        return decision.action, list(decision.reasons)

    assert action() == (KEEP, [])
    assert action(found=None) == (START, ["is not set up yet"])
    assert action(found=process("FATAL")) == (START, ["is fatal"])
    assert action([edited]) == (RESTART, ["config/server.properties differs"])
    assert action([rights]) == (KEEP, ["config/server.properties has mode=0777 instead of mode=0640"])
    assert action(applied=None) == (RESTART, ["its last start was not completed"])
    assert action(applied="other") == (RESTART, ["its command or environment changed"])
    assert action(section_changed=True) == (RESTART, ["its supervision changed"])
    assert action(restart=True) == (RESTART, ["a restart was asked for"])
    # A cronjob's process reads its definition before each run.
    assert action([edited], rereads=True)[0] == action(applied=None, rereads=True)[0] == KEEP
    assert action(section_changed=True, rereads=True)[0] == RESTART
    assert action(found=process("FATAL"), rereads=True)[0] == START


def test_sections_and_surplus():
    text = made().programs.content
    assert list(sections(text)) == ["kafka-0", "kafka-1", "kafka-2"]
    assert sections("") == {}
    assert surplus("kafka", ["kafka-0", "kafka-3", "kafka-connect-0", "kafka-x"], ["kafka-0"]) == ["kafka-3"]
