# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ansible's linear strategy with Mitogen, which leaves the processors of the host to all that it starts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: shared_process
short_description: Runs the modules of a playbook in one process for each host
description:
  - Ansible's strategy P(ansible.builtin.linear#strategy) with Mitogen, so that one process of a host runs all modules.
  - By itself, Mitogen ties the processes that it starts to some of the processors, and with them whatever a module
    starts. On a host with two processors, servers that a playbook started would share one of them. With this strategy
    they have all.
requirements:
  - mitogen (Python package)
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
"""

from ansible.collections.list import list_collection_dirs
from ansible.errors import AnsibleError
from ansible.plugins.strategy.linear import StrategyModule as LinearStrategy

try:
    import ansible_mitogen.affinity
    from ansible_mitogen.strategy import StrategyMixin
except ImportError as error:

    class StrategyMixin:
        """In the place of Mitogen's."""

    MISSING: ImportError | None = error
else:
    MISSING = None
    ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()


class StrategyModule(StrategyMixin, LinearStrategy):
    """Ansible's linear strategy, with Mitogen's connections."""

    def __init__(self, tqm) -> None:
        if MISSING is not None:
            raise AnsibleError(
                f"The strategy cdc.pipeline.shared_process needs Mitogen ({MISSING}): install the Python package"
                " mitogen beside ansible-core, or use the strategy linear."
            )
        # Mitogen asks for all collections before each module, in a process that ends after it. What is loaded here,
        # that process has.
        for _folder in list_collection_dirs():
            pass
        super().__init__(tqm)
