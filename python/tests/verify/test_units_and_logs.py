"""Values of settings, percentiles, collection logs, properties files."""

from __future__ import annotations

import os

import pytest
from cdc_pipeline.instance.host_servers import HostServer
from cdc_pipeline.instance.processes import ProcessTable
from cdc_pipeline.units import percentile, postgresql_value
from cdc_pipeline.verify.checks.kafka_connect import following, read_properties
from cdc_pipeline.verify.gc_log import log_path, pauses, recent_pauses


@pytest.mark.parametrize(
    ("one", "other", "unit", "kind", "same"),
    [
        ("256MB", "32768", "8kB", "integer", True),
        ("0.25GB", "32768", "8kB", "integer", True),
        ("4MB", "4096", "kB", "integer", True),
        ("1GB", "1024", "MB", "integer", True),
        ("5min", "300", "s", "integer", True),
        ("-1", "-1", "MB", "integer", True),
        ("1GB", "-1", "MB", "integer", False),
        ("512MB", "524288", "8kB", "integer", False),
        ("on", "on", None, "bool", True),
        ("true", "on", None, "bool", True),
        ("off", "on", None, "bool", False),
        ("Logical", "logical", None, "enum", True),
        ("%m [%p] ", "%m [%p]", None, "string", True),
        ("4", "4", None, "integer", True),
        ("0.9", "0.90", None, "real", True),
    ],
)
def test_settings_are_compared_by_value(one: str, other: str, unit: str | None, kind: str, same: bool) -> None:
    assert (postgresql_value(one, unit, kind) == postgresql_value(other, unit, kind)) is same


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


LOG = """\
[2026-01-01T00:00:00.000+0000][0.1s][info][gc] Using G1
[2026-01-01T00:00:01.000+0000][1.1s][info][gc,start    ] GC(0) Pause Young (Normal) (G1 Evacuation Pause)
[2026-01-01T00:00:01.010+0000][1.2s][info][gc          ] GC(0) Pause Young (Normal) (G1 Pause) 23M->4M(256M) 9.715ms
[2026-01-01T00:00:02.000+0000][2.2s][info][gc          ] GC(2) Pause Remark 30M->30M(256M) 3.100ms
[2026-01-01T00:00:02.500+0000][2.7s][info][gc          ] GC(2) Concurrent Mark Cycle 20.1ms
"""


def test_only_pauses_count(tmp_path) -> None:
    assert pauses(LOG.splitlines()) == [3.1, 9.715]
    path = tmp_path / "gc.log"
    path.write_text(LOG)
    command = ["java", f"-Xlog:gc*:file={path}:time,uptime,level,tags:filecount=4,filesize=8m"]
    assert log_path(command) == path
    server = HostServer(ProcessTable.read(), 0, ProcessTable.read().by_pid[os.getpid()])
    assert recent_pauses(server, path) == [3.1, 9.715]
    assert log_path(["java", "-Xmx1g"]) is None


def test_properties_are_read_back() -> None:
    text = "# worker\nlisteners=http\\://127.0.0.1\\:30083\n\nplugin.path=/a b,/c\nkey.converter=io.X\n"
    assert read_properties(text) == {
        "listeners": "http://127.0.0.1:30083",
        "plugin.path": "/a b,/c",
        "key.converter": "io.X",
    }


def test_an_option_is_followed_by_its_argument() -> None:
    assert following(["java", "-cp", "a:b", "Main"], ("-cp",)) == "a:b"
    assert following(["java", "-jar", "x"], ("-cp",)) == ""
