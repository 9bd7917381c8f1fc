# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options `instance` and `cluster`: the spec, the doc fragment, the lookup and the code have the same keys."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.lookup import cluster, instance
from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import cluster_argument, instance_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import (
    Connection,
    parse_cluster,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import Instance, parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.access import WAYS

OPTIONS = {"instance": instance_argument()["instance"], "cluster": cluster_argument()["cluster"]}
LOOKUPS = {"instance": instance, "cluster": cluster}
# All that makes a lookup give every key.
VARIABLES = {"cdc_artifacts": {"python": "/p", "services": "/s"}}


def validated(kind, given):
    """The option as the module gets it."""
    result = ArgumentSpecValidator({kind: OPTIONS[kind]}).validate({kind: given})
    assert not result.error_messages, result.error_messages
    return result.validated_parameters[kind]


def documented(options):
    """The spec that the documentation states."""
    kept = ("type", "elements", "default", "required", "choices")
    return {name: {key: option[key] for key in kept if key in option} for name, option in options.items()}


def looked_up(kind):
    templar = Templar(loader=DataLoader(), variables=VARIABLES)
    plugin = LOOKUPS[kind].LookupModule(loader=DataLoader(), templar=templar)
    plugin.set_options = lambda **known: None
    return plugin.run([], VARIABLES)[0]


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_fragment_documents_the_spec(kind):
    fragment = importlib.import_module(f"ansible_collections.cdc.pipeline.plugins.doc_fragments.{kind}")
    option = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"][kind]
    assert documented(option["suboptions"]) == documented(OPTIONS[kind]["options"])
    assert all(each["description"] for each in option["suboptions"].values())


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_lookup_gives_what_the_modules_take(kind):
    given = looked_up(kind)
    assert set(given) == set(OPTIONS[kind]["options"])
    assert validated(kind, given) == given, "no value has another type for the modules"


def test_the_code_takes_what_the_modules_get():
    known = parse_instance(validated("instance", looked_up("instance")))
    assert (known.python, known.services) == (Path("/p/bin/python"), Path("/s"))
    assert parse_instance(validated("instance", {"name": "x", "home": "/x"})) == Instance("x", Path("/x"))
    parse_cluster(validated("cluster", looked_up("cluster")))
    assert parse_cluster(validated("cluster", {})) == (Cluster(), Connection())


def test_the_ways_to_reach_a_cluster_are_those_that_the_code_knows():
    assert sorted(OPTIONS["cluster"]["options"]["access"]["choices"]) == sorted(WAYS)


def test_every_key_of_a_cluster_reaches_the_code():
    """A key that is in the spec alone would be an unknown one for the code, one in the code alone has no use."""
    own = {"artifacts", "java"}
    fields = {item.name for item in dataclasses.fields(Cluster)} - own
    fields |= {"kubeconfig", "context", "controller_artifacts"}
    assert set(OPTIONS["cluster"]["options"]) == fields
