# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that work on an instance on a host."""

    DOCUMENTATION = r"""
options:
  instance:
    description: The instance, as the lookup P(cdc.pipeline.instance#lookup) gives it.
    type: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      home:
        description: The folder with everything that is its own. An absolute path without blanks.
        type: str
        required: true
      port_offset:
        description: Added to every port.
        type: int
        default: 0
      user:
        description: The user that processes run as. Without it, and where this does not run as root, it is the caller.
        type: str
      external_host:
        description: The address that is advertised to clients on other hosts.
        type: str
        default: 127.0.0.1
      order:
        description: Names of workloads in the order in which they start. They stop in the reverse order.
        type: list
        elements: str
        default: []
      artifacts:
        description: The folder of each artifact by its name.
        type: dict
        default: {}
      java:
        description: Path of the java binary. It may hold a V(*) in place of a version.
        type: str
      python:
        description: The interpreter of an environment with supervisor. Needed to set the instance up.
        type: str
      services:
        description: The folder with the package cdc_pipeline. Needed to set the instance up.
        type: str
"""
