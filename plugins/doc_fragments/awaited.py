# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that ask a server, for check mode."""

    DOCUMENTATION = r"""
options:
  awaited:
    description:
      - For check mode, that the server does not run as stated yet. The collection's roles need not set it, since check
        mode knows it of their servers.
      - With V(new) it does not run and keeps nothing. It is not asked, and the module says what it would make in an
        empty one.
      - With V(stopped) it does not run and keeps what it has. It is not asked, and nothing counts as changed.
      - With V(changing) it runs as it was stated before. It is asked, except for what it cannot judge before it has
        changed.
    type: str
    choices: [new, stopped, changing]
"""
