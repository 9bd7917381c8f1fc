# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that use a cluster's API."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description: Path of the kubeconfig file, or several with colons between them.
    type: str
    required: true
  context:
    description: The context in it. Empty for its current one.
    type: str
    default: ""
"""
