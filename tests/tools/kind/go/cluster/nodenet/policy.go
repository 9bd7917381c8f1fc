package nodenet

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// View is what a node's ruleset follows from.
type View struct {
	Node       string
	PodRange   string // of the whole cluster, as CIDR
	Pods       []*corev1.Pod
	Policies   []*networkingv1.NetworkPolicy
	Namespaces map[string]labels.Set
}

// direction is what differs between rules for connections into a pod and out of it.
type direction struct {
	policyType networkingv1.PolicyType
	chain      string
	self, peer string // nft's names of the pod's own and of the other address
}

var (
	ingress = direction{networkingv1.PolicyTypeIngress, "in", "daddr", "saddr"}
	egress  = direction{networkingv1.PolicyTypeEgress, "out", "saddr", "daddr"}
)

// target is one way in which a rule names the other side.
type target struct {
	match string        // in nft's language; empty for everybody
	pods  []*corev1.Pod // those it covers, whose named ports may be asked for
}

// Ruleset is the whole table, in nft's language. Equal views give equal text.
func (v View) Ruleset() string {
	pods := v.living()
	var chains strings.Builder
	jumps := map[string][]string{}
	for number, pod := range pods {
		if pod.Spec.NodeName != v.Node {
			continue
		}
		for _, d := range []direction{ingress, egress} {
			allowed, isolated := v.allowed(d, pod, pods)
			if !isolated {
				continue
			}
			name := fmt.Sprint(d.chain, number)
			fmt.Fprintf(&chains, " chain %s { # %s/%s\n", name, pod.Namespace, pod.Name)
			for _, match := range allowed {
				fmt.Fprintf(&chains, "  %s return\n", match)
			}
			chains.WriteString("  counter drop\n }\n")
			jumps[d.self] = append(jumps[d.self], pod.Status.PodIP+" : jump "+name)
		}
	}
	var table strings.Builder
	table.WriteString("table ip nodenet\ndelete table ip nodenet\ntable ip nodenet {\n")
	fmt.Fprintf(&table, " chain leaving {\n  type nat hook postrouting priority srcnat + 10;\n"+
		"  ip saddr %[1]s ip daddr != %[1]s fib daddr type != local masquerade\n }\n", v.PodRange)
	table.WriteString(chains.String())
	// Only what is forwarded is filtered: a kubelet's probes come from the node itself and always pass.
	table.WriteString(" chain pods {\n  type filter hook forward priority filter - 5;\n" +
		"  ct state established,related accept\n")
	for _, side := range []string{egress.self, ingress.self} {
		if len(jumps[side]) > 0 {
			fmt.Fprintf(&table, "  ip %s vmap { %s }\n", side, strings.Join(jumps[side], ", "))
		}
	}
	table.WriteString(" }\n}\n")
	return table.String()
}

// living are the pods with an address of their own, in a fixed order.
func (v View) living() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, pod := range v.Pods {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !ended {
			pods = append(pods, pod)
		}
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return pods
}

// allowed gives the matches of what the pod's policies let through; isolated says that there are any policies.
func (v View) allowed(d direction, pod *corev1.Pod, pods []*corev1.Pod) (matches []string, isolated bool) {
	for _, policy := range v.Policies {
		applies := policy.Namespace == pod.Namespace && slices.Contains(policy.Spec.PolicyTypes, d.policyType) &&
			selects(&policy.Spec.PodSelector, pod.Labels)
		if !applies {
			continue
		}
		isolated = true
		rules := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
			for _, target := range v.targets(d, policy.Namespace, peers, pods) {
				matches = append(matches, d.withPorts(target, ports, pod)...)
			}
		}
		if d.policyType == networkingv1.PolicyTypeIngress {
			for _, rule := range policy.Spec.Ingress {
				rules(rule.From, rule.Ports)
			}
		} else {
			for _, rule := range policy.Spec.Egress {
				rules(rule.To, rule.Ports)
			}
		}
	}
	slices.Sort(matches) // the order of the policies is not fixed, and that of the matches does not matter
	return slices.Compact(matches), isolated
}

func (v View) targets(
	d direction, namespace string, peers []networkingv1.NetworkPolicyPeer, pods []*corev1.Pod,
) []target {
	if len(peers) == 0 {
		return []target{{"", pods}}
	}
	var targets []target
	var covered []*corev1.Pod
	for _, peer := range peers {
		if peer.IPBlock != nil {
			targets = append(targets, target{d.blockMatch(peer.IPBlock), nil})
			continue
		}
		for _, pod := range pods {
			if v.isPeer(peer, namespace, pod) && !slices.Contains(covered, pod) {
				covered = append(covered, pod)
			}
		}
	}
	if len(covered) > 0 {
		targets = append(targets, target{d.podsMatch(covered), covered})
	}
	return targets
}

func (v View) isPeer(peer networkingv1.NetworkPolicyPeer, namespace string, pod *corev1.Pod) bool {
	if peer.NamespaceSelector == nil && pod.Namespace != namespace {
		return false
	}
	if peer.NamespaceSelector != nil && !selects(peer.NamespaceSelector, v.Namespaces[pod.Namespace]) {
		return false
	}
	return peer.PodSelector == nil || selects(peer.PodSelector, pod.Labels)
}

func (d direction) blockMatch(block *networkingv1.IPBlock) string {
	match := fmt.Sprintf("ip %s %s", d.peer, block.CIDR)
	if len(block.Except) > 0 {
		match += fmt.Sprintf(" ip %s != { %s }", d.peer, strings.Join(block.Except, ", "))
	}
	return match
}

func (d direction) podsMatch(pods []*corev1.Pod) string {
	var addresses []string
	for _, pod := range pods {
		addresses = append(addresses, pod.Status.PodIP)
	}
	slices.Sort(addresses)
	return fmt.Sprintf("ip %s { %s }", d.peer, strings.Join(slices.Compact(addresses), ", "))
}

// withPorts narrows a target to ports; none mean all of them.
func (d direction) withPorts(to target, ports []networkingv1.NetworkPolicyPort, self *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{to.match}
	}
	var matches []string
	add := func(match, ports string) { matches = append(matches, strings.TrimSpace(match+" "+ports)) }
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		nft := strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			add(to.match, "meta l4proto "+nft)
		case port.Port.StrVal == "" && port.EndPort != nil:
			add(to.match, fmt.Sprintf("%s dport %d-%d", nft, port.Port.IntVal, *port.EndPort))
		case port.Port.StrVal == "":
			add(to.match, fmt.Sprintf("%s dport %d", nft, port.Port.IntVal))
		case d.policyType == networkingv1.PolicyTypeIngress:
			for _, number := range namedPorts(self, port.Port.StrVal, protocol) {
				add(to.match, fmt.Sprintf("%s dport %d", nft, number))
			}
		default: // the name is the other side's, and each pod there may give it a number of its own
			for _, pod := range to.pods {
				for _, number := range namedPorts(pod, port.Port.StrVal, protocol) {
					add(d.podsMatch([]*corev1.Pod{pod}), fmt.Sprintf("%s dport %d", nft, number))
				}
			}
		}
	}
	return matches
}

func namedPorts(pod *corev1.Pod, name string, protocol corev1.Protocol) []int32 {
	var numbers []int32
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name && (port.Protocol == protocol || port.Protocol == "" && protocol == corev1.ProtocolTCP) {
				numbers = append(numbers, port.ContainerPort)
			}
		}
	}
	return numbers
}

func selects(selector *metav1.LabelSelector, of labels.Set) bool {
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && compiled.Matches(of)
}
