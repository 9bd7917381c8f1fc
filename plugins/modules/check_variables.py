#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: check_variables
short_description: Check the pipeline's variables before anything is changed
version_added: "1.0.0"
description:
  - Looks at every variable of the host, wherever it was set, and reports all that is wrong at once, each with its
    remedy - names that nobody reads, with the name that was probably meant; names of earlier versions, with the new
    name and the version in which the old one goes away; values that do not fit the roles' argument specifications; and
    values that do not fit each other.
  - It runs on the controller and reaches no host.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  own_variables:
    description:
      - Shell patterns of variables that begin like the collection's and are your own.
    type: list
    elements: str
    default: []
seealso:
  - module: cdc.pipeline.preflight_host
"""

EXAMPLES = r"""
- name: Check the variables
  cdc.pipeline.check_variables:
    own_variables: [kafka_team_*]
  register: checked
"""

RETURN = r"""
msg:
  description: Everything that is wrong, each with what was found and its remedy.
  type: str
  returned: failure
ports:
  description: The ports that the instance will listen on, each with its C(listener).
  type: list
  elements: dict
  returned: success
  sample: [{"port": 9092, "listener": "kafka-0 (client)"}]
memory_mib:
  description: Memory that the components request together.
  type: int
  returned: success
workloads:
  description:
    - The components, in the order in which they are set up, each with its replicas, what one of them requests, and the
      size and class of its volume.
  type: list
  elements: dict
  returned: success
  sample:
    - {"name": "kafka", "replicas": 3, "memory_mib": 682, "cpu_millis": 250, "storage_mib": 3413,
       "storage_class": "cdc-kafka"}
cluster:
  description:
    - Whose cluster it is, and what is made in it beside workloads, with the provisioner of each storage class. Empty on
      the runtime V(local).
  type: dict
  returned: success
  sample:
    {"provider": "kind", "kind_binary": "", "only": [], "create_namespace": true, "create_roles": true,
     "classes": {"cdc-kafka": "rancher.io/local-path"}}
artifacts:
  description: The catalogue of the artifacts that the components run from, as M(cdc.pipeline.artifact) takes it.
  type: dict
  returned: success
maven_settings:
  description: The settings.xml that Maven is given; empty for its own.
  type: str
  returned: success
debian_packages:
  description: The Debian packages that they need.
  type: list
  elements: str
  returned: success
checked:
  description: The number of specified variables.
  type: int
  returned: success
"""
