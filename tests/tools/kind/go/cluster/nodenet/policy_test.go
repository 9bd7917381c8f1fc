package nodenet

import (
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(namespace, name, node, address string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels.Set{"app": name}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{
			{Ports: []corev1.ContainerPort{{Name: "main", ContainerPort: 8080}}},
		}},
		Status: corev1.PodStatus{PodIP: address, Phase: corev1.PodRunning},
	}
}

func app(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: labels.Set{"app": name}}
}

func port(value intstr.IntOrString) []networkingv1.NetworkPolicyPort {
	return []networkingv1.NetworkPolicyPort{{Port: &value}}
}

func view(policies ...networkingv1.NetworkPolicySpec) View {
	ended := pod("a", "web", "here", "10.0.0.9")
	ended.Status.Phase = corev1.PodFailed
	v := View{
		Node: "here", PodRange: "10.0.0.0/16",
		Pods: []*corev1.Pod{
			pod("a", "web", "here", "10.0.0.1"), pod("a", "client", "there", "10.0.1.1"),
			pod("b", "client", "there", "10.0.1.2"), ended,
		},
		Namespaces: map[string]labels.Set{"a": {"name": "a"}, "b": {"name": "b"}},
	}
	for _, spec := range policies {
		v.Policies = append(v.Policies, &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "a"}, Spec: spec,
		})
	}
	return v
}

func chain(v View, name string) string {
	_, rest, found := strings.Cut(v.Ruleset(), " chain "+name+" {")
	if !found {
		return ""
	}
	body, _, _ := strings.Cut(rest, "\n }")
	lines := strings.Split(body, "\n")[1:]
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

func TestChains(t *testing.T) {
	in := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	out := []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}
	from := func(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicySpec {
		return networkingv1.NetworkPolicySpec{
			PodSelector: *app("web"), PolicyTypes: in,
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: peers, Ports: port(intstr.FromString("main"))}},
		}
	}
	to := func(value intstr.IntOrString, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicySpec {
		return networkingv1.NetworkPolicySpec{
			PodSelector: *app("web"), PolicyTypes: out,
			Egress: []networkingv1.NetworkPolicyEgressRule{{To: peers, Ports: port(value)}},
		}
	}
	clients := networkingv1.NetworkPolicyPeer{PodSelector: app("client")}
	allClients := networkingv1.NetworkPolicyPeer{PodSelector: app("client"), NamespaceSelector: &metav1.LabelSelector{}}
	others := networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: labels.Set{"name": "b"}},
	}
	block := networkingv1.NetworkPolicyPeer{
		IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24", Except: []string{"192.0.2.1/32"}},
	}
	nobody := networkingv1.NetworkPolicyPeer{PodSelector: app("nobody")}
	deny := networkingv1.NetworkPolicySpec{PolicyTypes: append(in, out...)}

	// The living pods in order: a/client is number 0, a/web 1, b/client 2.
	for name, test := range map[string]struct {
		view  View
		chain string
		want  string
	}{
		"no policy":               {view(), "in1", ""},
		"deny in":                 {view(deny), "in1", "counter drop"},
		"deny out":                {view(deny), "out1", "counter drop"},
		"a pod of another node":   {view(deny), "in0", ""},
		"pods of the namespace":   {view(from(clients)), "in1", "ip saddr { 10.0.1.1 } tcp dport 8080 return; counter drop"},
		"pods of any namespace":   {view(from(allClients)), "in1", "ip saddr { 10.0.1.1, 10.0.1.2 } tcp dport 8080 return; counter drop"},
		"another namespace":       {view(from(others)), "in1", "ip saddr { 10.0.1.2 } tcp dport 8080 return; counter drop"},
		"nobody is not everybody": {view(from(nobody)), "in1", "counter drop"},
		"anybody":                 {view(from()), "in1", "tcp dport 8080 return; counter drop"},
		"addresses":               {view(from(block)), "in1", "ip saddr 192.0.2.0/24 ip saddr != { 192.0.2.1/32 } tcp dport 8080 return; counter drop"},
		"the other's named port":  {view(to(intstr.FromString("main"), clients)), "out1", "ip daddr { 10.0.1.1 } tcp dport 8080 return; counter drop"},
		"a number":                {view(to(intstr.FromInt32(53))), "out1", "tcp dport 53 return; counter drop"},
		"policies add up":         {view(deny, from(clients)), "in1", "ip saddr { 10.0.1.1 } tcp dport 8080 return; counter drop"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := chain(test.view, test.chain); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOnlyIsolatedPodsAreLookedUp(t *testing.T) {
	if got := view().Ruleset(); strings.Contains(got, "vmap") {
		t.Errorf("a table without policies filters: %s", got)
	}
	got := view(networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}).Ruleset()
	if !strings.Contains(got, "ip daddr vmap { 10.0.0.1 : jump in1 }") || strings.Contains(got, "ip saddr vmap") {
		t.Error(got)
	}
}

func TestNftTakesIt(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil || exec.Command(nft, "list", "tables").Run() != nil {
		t.Skip("nft is not here, or not for this user")
	}
	web := intstr.FromString("main")
	both := networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		Ingress: []networkingv1.NetworkPolicyIngressRule{{}, {
			From:  []networkingv1.NetworkPolicyPeer{{PodSelector: app("client")}},
			Ports: []networkingv1.NetworkPolicyPort{{Port: &web}, {}},
		}},
		Egress: []networkingv1.NetworkPolicyEgressRule{{
			To:    []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24", Except: []string{"192.0.2.1/32"}}}},
			Ports: port(intstr.FromInt32(53)),
		}},
	}
	for _, v := range []View{view(), view(both)} {
		check := exec.Command(nft, "--check", "--file", "-")
		check.Stdin = strings.NewReader(v.Ruleset())
		if output, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, output, v.Ruleset())
		}
	}
}
