// Package nodenet is the network of a node of the test cluster: it writes the CNI configuration for the node's pod
// range, keeps a route to every other node's range, masquerades what leaves the cluster, and enforces NetworkPolicies
// with one nftables table that is replaced atomically.
//
// It is a test fixture: IPv4 only, and connections that are established are not cut by a later policy.
package nodenet

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Events come in bursts; the ruleset is computed once for those within this time.
const settle = 100 * time.Millisecond

type agent struct {
	node      string
	podRange  string // of the whole cluster, as CIDR
	informers informers.SharedInformerFactory
	applied   map[string]string // what was last written, by what it is
}

// Run returns only when it cannot start.
func Run() error {
	client, err := connect()
	if err != nil {
		return err
	}
	a := &agent{
		node:      os.Getenv("NODE_NAME"),
		podRange:  os.Getenv("POD_CIDR"),
		informers: informers.NewSharedInformerFactory(client, 5*time.Minute),
		applied:   map[string]string{},
	}
	wake := make(chan struct{}, 1)
	if err := a.watch(wake); err != nil {
		return err
	}
	log.Print("in step with the API server")
	for range wake {
		if err := a.sync(); err != nil {
			log.Print(err)
			time.AfterFunc(time.Second, func() { signal(wake) })
		}
		time.Sleep(settle)
	}
	return nil
}

func connect() (*kubernetes.Clientset, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	// The service address works only once kube-proxy is up; kind gives the control plane's own.
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		config.Host = "https://" + endpoint
	}
	return kubernetes.NewForConfig(config)
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // one is waiting already
	}
}

func (a *agent) watch(wake chan<- struct{}) error {
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { signal(wake) },
		UpdateFunc: func(_, _ any) { signal(wake) },
		DeleteFunc: func(any) { signal(wake) },
	}
	core := a.informers.Core().V1()
	for _, informer := range []cache.SharedIndexInformer{
		core.Nodes().Informer(),
		core.Pods().Informer(),
		core.Namespaces().Informer(),
		a.informers.Networking().V1().NetworkPolicies().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	forever := context.Background()
	a.informers.Start(forever.Done())
	a.informers.WaitForCacheSync(forever.Done())
	return nil
}

func (a *agent) sync() error {
	nodes, err := a.informers.Core().V1().Nodes().Lister().List(labels.Everything())
	if err != nil {
		return err
	}
	for _, node := range nodes {
		podRange := node.Spec.PodCIDR
		switch {
		case podRange == "": // not assigned yet; its update wakes us
		case node.Name == a.node:
			err = a.apply("CNI configuration", podRange, func() error { return writeCNI(podRange) })
		default:
			gateway := internalAddress(node)
			err = a.apply("route to "+node.Name, podRange+" "+gateway, func() error {
				return run("", "ip", "route", "replace", podRange, "via", gateway)
			})
		}
		if err != nil {
			return err
		}
	}
	view, err := a.view()
	if err != nil {
		return err
	}
	ruleset := view.Ruleset()
	return a.apply("ruleset", ruleset, func() error { return run(ruleset, "nft", "-f", "-") })
}

func (a *agent) view() (View, error) {
	view := View{Node: a.node, PodRange: a.podRange, Namespaces: map[string]labels.Set{}}
	namespaces, err := a.informers.Core().V1().Namespaces().Lister().List(labels.Everything())
	if err != nil {
		return view, err
	}
	for _, namespace := range namespaces {
		view.Namespaces[namespace.Name] = namespace.Labels
	}
	if view.Pods, err = a.informers.Core().V1().Pods().Lister().List(labels.Everything()); err != nil {
		return view, err
	}
	view.Policies, err = a.informers.Networking().V1().NetworkPolicies().Lister().List(labels.Everything())
	return view, err
}

// apply calls write unless value is what was written last.
func (a *agent) apply(what, value string, write func() error) error {
	if a.applied[what] == value {
		return nil
	}
	if err := write(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	a.applied[what] = value
	return nil
}

func run(input string, command ...string) error {
	process := exec.Command(command[0], command[1:]...)
	process.Stdin = strings.NewReader(input)
	if output, err := process.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", command, err, output)
	}
	return nil
}
