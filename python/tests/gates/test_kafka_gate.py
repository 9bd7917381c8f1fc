"""The gate before a broker is taken down."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cdc_pipeline.gates.kafka import main, obstacle
from certificates import Authority

sys.path.insert(0, str(Path(__file__).parents[1] / "clients"))

from tls_servers import Broker, serving


def metadata(brokers: int, *in_sync: list[int]) -> Any:
    partitions = {at: SimpleNamespace(id=at, replicas=[1, 2, 3], isrs=isrs) for at, isrs in enumerate(in_sync)}
    return SimpleNamespace(
        brokers=dict.fromkeys(range(brokers)), topics={"t": SimpleNamespace(topic="t", partitions=partitions)}
    )


def test_every_broker_and_replica_must_be_there() -> None:
    assert obstacle(metadata(3, [1, 2, 3], [3, 2, 1]), 3) is None
    assert obstacle(metadata(2, [1, 2, 3]), 3) == "2 of 3 brokers are there"
    assert obstacle(metadata(3, [1, 2, 3], [1, 3]), 3) == "1 partitions are under-replicated: t-1"


def test_brokers_that_do_not_answer_are_an_obstacle(capsys) -> None:
    assert main(["--bootstrap-servers", "127.0.0.1:9", "--brokers", "1"]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().out


def test_the_clients_settings_come_from_a_file(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    broker = Broker(authority.context("127.0.0.1"))
    file = tmp_path / "client.json"
    with serving(broker) as port:
        for ca, asked in ((stranger.ca, False), (authority.ca, True)):
            file.write_text(json.dumps({"security.protocol": "SSL", "ssl.ca.location": str(ca)}))
            arguments = ["--bootstrap-servers", f"127.0.0.1:{port}", "--brokers", "1", "--client-config", str(file)]
            # The broker says nothing, so that the gate does not hold either way.
            assert main(arguments) == 1
            assert broker.was_asked.is_set() == asked


@pytest.mark.parametrize("text", ['{"sasl.password": "secret', '["secret"]', None, '{"no.such.setting": "secret"}'])
def test_a_wrong_file_is_refused_and_not_shown(text: str | None, tmp_path: Path, capsys) -> None:
    file = tmp_path / "client.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["--bootstrap-servers", "127.0.0.1:9", "--brokers", "1", "--client-config", str(file)])
    said = capsys.readouterr().err
    assert str(file) in said and "secret" not in said
