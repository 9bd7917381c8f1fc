"""Which certificate authorities a client trusts."""

from __future__ import annotations

import ssl


def tls_context(ca: str = "") -> ssl.SSLContext:
    """Trusts the authorities in the PEM file ``ca``, or those of the system, and verifies host names.

    Raises:
        OSError: the file cannot be read, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca or None)
    except ssl.SSLError as error:
        raise OSError(f"{ca} holds no certificate of an authority: {error.reason or error}") from error
    except OSError as error:
        # Python does not say which file.
        raise OSError(error.errno, error.strerror, ca) from error


def bundle(ca: str = "") -> str | None:
    """The file for a client that wants a path: ``ca``, or the system's; None where the system has none."""
    return ca or ssl.get_default_verify_paths().cafile
