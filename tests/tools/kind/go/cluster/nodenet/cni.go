package nodenet

import (
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
)

const (
	cniPath  = "/etc/cni/net.d/10-nodenet.conflist"
	cniDraft = "/etc/cni/net.d/.10-nodenet.draft"
	cniText  = `{
  "cniVersion": "0.4.0",
  "name": "nodenet",
  "plugins": [
    {
      "type": "ptp",
      "mtu": 1500,
      "ipMasq": false,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "routes": [{"dst": "0.0.0.0/0"}],
        "ranges": [[{"subnet": "%s"}]]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`
)

// writeCNI makes the node Ready: containerd takes the file up as soon as it is there.
func writeCNI(podRange string) error {
	if err := os.WriteFile(cniDraft, fmt.Appendf(nil, cniText, podRange), 0o644); err != nil {
		return err
	}
	return os.Rename(cniDraft, cniPath)
}

func internalAddress(node *corev1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}
