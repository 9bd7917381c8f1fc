# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options for the connection to a PostgreSQL server, named as those of the collection community.postgresql."""

    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Name or address of the server.
    type: str
    required: true
  login_port:
    description:
      - Its port.
    type: int
    default: 5432
  login_user:
    description:
      - The user to log in as.
    type: str
    default: postgres
  login_password:
    description:
      - The user's password.
    type: str
  login_db:
    description:
      - The database.
    type: str
    required: true
  ssl_mode:
    description:
      - Whether the connection is encrypted, and the server's certificate verified, as libpq's C(sslmode).
    type: str
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
    default: prefer
  ca_cert:
    description:
      - File with the PEM certificates of the authorities to trust.
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection.
    type: int
    default: 10
requirements:
  - psycopg >= 3.1 (Python library, where the module runs)
"""
