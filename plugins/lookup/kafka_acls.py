# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_acls
short_description: The rights in Kafka that the roles need
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives what the roles state in their variables C(<role>_kafka_acls), and C(kafka_acls_extra). Nothing of a role runs.
  - Each entry has the keys of O(cdc.pipeline.kafka_acl#module:acls), and perhaps C(proof), a map of C(allowed)
    and C(refused), each an C(action) and the C(name) of a resource of the same type. Verification does both, and
    expects the one to be allowed and the other one refused.
options:
  _terms:
    description: Names of roles. By default all that state something.
  proofs:
    description: Whether to give the proofs, each with C(principal), C(resource_type) and C(role), instead of the rules.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Set the rights that every user needs
  cdc.pipeline.kafka_acl:
    bootstrap_servers: localhost:9092
    acls: "{{ query('cdc.pipeline.kafka_acls') }}"
"""

RETURN = r"""
_raw:
  description: The rules, or the proofs.
  type: list
  elements: dict
"""

from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings

EXTRA = "kafka_acls_extra"


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.kafka_acls``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        declared = read_declared(self._loader)
        settings = Settings(declared, variables or {}, self._templar)
        roles = terms or sorted(role for role, own in declared.own.items() if f"{role}_kafka_acls" in own)
        stated = [
            {"role": role, **entry} for role in roles for entry in settings.in_role(role).value(f"{role}_kafka_acls")
        ]
        if self.get_option("proofs"):
            return [_proof(entry) for entry in stated if _provable(entry)]
        rules = [{key: value for key, value in entry.items() if key not in ("role", "proof")} for entry in stated]
        return rules + ([] if terms else list(settings.value(EXTRA) or []))


def _provable(entry):
    """Where there are no tables yet, there may be nothing to try it at."""
    proof = entry.get("proof") or {}
    return bool(proof) and all(proof[side]["name"] for side in ("allowed", "refused"))


def _proof(entry):
    return {**{key: entry[key] for key in ("role", "principal", "resource_type")}, **entry["proof"]}
