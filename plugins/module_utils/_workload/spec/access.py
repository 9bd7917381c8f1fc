# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How clients outside of a cluster, the controller among them, reach a port of a workload. Pure."""

from __future__ import annotations

HOST_PORTS, NODE_PORTS, ROUTES, PORT_FORWARD = "host_ports", "node_ports", "routes", "port_forward"
# host_ports: a host maps the ports of the runtime local to the node ports, as kind does. What it lacks is forwarded.
# node_ports: the node ports themselves. routes: HTTP by OpenShift's routes, everything else as with port_forward.
# port_forward: this collection's forwarder listens on the ports of the runtime local while a playbook runs.
WAYS = (HOST_PORTS, NODE_PORTS, ROUTES, PORT_FORWARD)


def uses_node_ports(access: str) -> bool:
    """Whether services of type NodePort are needed. Their numbers are taken in the whole cluster, so not else."""
    return access in (HOST_PORTS, NODE_PORTS)


def outside_port(access: str, port: int, node_port: int | None, add: int, offset: int) -> int:
    """The number under which a port is reached from outside.

    Args:
        add: step * ordinal of the replica.
        offset: cdc_port_offset. It moves what listens on the controller; node ports are the cluster's.
    """
    if access == NODE_PORTS:
        return (node_port or port) + add
    return port + add + offset
