// Package pin keeps Kubernetes in this module's requirements, so that the libraries which the add-ons share with it
// have the versions of ../cluster and are compiled once.
package pin

import _ "k8s.io/kubernetes/cmd/kube-proxy/app"
