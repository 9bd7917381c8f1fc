# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options for the connection to an HTTP server."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Base address of the server.
    type: str
    required: true
  username:
    description:
      - User name for basic authentication.
    type: str
  password:
    description:
      - Password for basic authentication.
    type: str
  validate_certs:
    description:
      - Whether the server's TLS certificate must be valid. Turn it off for a moment's test only.
    type: bool
    default: true
  ca_path:
    description:
      - File with the PEM certificates of the authorities to trust, when the system does not know them.
    type: path
  client_cert:
    description:
      - File with the PEM certificate that the client shows. May hold the key too.
    type: path
  client_key:
    description:
      - File with the PEM key of O(client_cert).
    type: path
  use_proxy:
    description:
      - Whether the environment's proxy settings are heeded.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for the answer to one request.
    type: int
    default: 30
  retry_timeout:
    description:
      - Seconds for which a request is repeated that is safe to repeat, while the server starts, rebalances or is
        overloaded.
    type: int
    default: 60
"""

    WAIT = r"""
options:
  wait_timeout:
    description:
      - Seconds in which a change must have its effect.
    type: int
    default: 120
"""
