# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a cluster's API server cannot be used, by what it answered or by why no answer came. Pure."""

from __future__ import annotations

import re

from .._problem import Problem
from .kubeconfig import Target

_SIGN_IN = "sign in again with your cluster's tool (such as `oc login`), or ask its administrator for a new kubeconfig"
_CAUSES = (
    ("CERTIFICATE_VERIFY_FAILED|certificate verify failed", "its certificate is not trusted",
     "correct certificate-authority-data of the kubeconfig's cluster; another cluster may answer there now"),
    ("Name or service not known|name resolution|nodename nor servname|NameResolution", "its name is not known",
     "correct the server in the kubeconfig, or the name service"),
    ("refused", "nobody listens there", "start the cluster, or correct the server in the kubeconfig"),
    ("timed out|timeout", "no answer arrived in time", "check whether a VPN, proxy or firewall blocks the connection"),
    ("unreachable|No route", "there is no route to it", "check whether a VPN is required"),
    ("Disconnected|reset|SSL|WRONG_VERSION|record layer|BadStatusLine", "the server there is no Kubernetes API server",
     "correct the server in the kubeconfig"),
)  # fmt: skip


def refusal(target: Target, code: int, message: str) -> Problem:
    """The API server answered with an error."""
    found = f"{code} {message} from {target}"
    if code == 401:
        what = "The cluster does not accept the kubeconfig's credentials, which are wrong or have expired"
        return Problem("cluster", what, found=found, remedy=_SIGN_IN)
    what = "The cluster's API server answers with an error"
    remedy = "see whether `kubectl version` reaches it, then run the same command again"
    return Problem("cluster", what, found=found, remedy=remedy)


def silence(target: Target, reason: str) -> Problem:
    """No answer came."""
    unknown = (" ".join(reason.split())[:160], "see whether `kubectl version` reaches it")
    known = ((why, remedy) for pattern, why, remedy in _CAUSES if re.search(pattern, reason, re.IGNORECASE))
    why, remedy = next(known, unknown)
    return Problem("cluster", "The cluster's API server does not answer", found=f"{why}: {target}", remedy=remedy)
