package netberth_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	netberth "github.com/netberth/netberth/bindings/go"
)

// place is where the examples keep their things; a program leaves Config empty.
func place() (config netberth.Config, remove func()) {
	directory, err := os.MkdirTemp("", "netberth")
	if err != nil {
		log.Fatal(err)
	}
	config = netberth.Config{
		StateDir: filepath.Join(directory, "state"), RunDir: filepath.Join(directory, "run"),
	}
	return config, func() { os.RemoveAll(directory) }
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func Example() {
	ctx := context.Background()
	config, remove := place()
	defer remove()
	nb := must(netberth.Open(ctx, config))
	defer nb.Close()

	must(nb.CreateNetwork(ctx, netberth.NetworkRequest{Name: "web"}))
	must(nb.CreateEndpoint(ctx, "web", netberth.EndpointRequest{Name: "front"}))
	key := must(nb.Join(ctx, "web", "front", netberth.JoinRequest{ContainerID: "c1"}))
	front := must(nb.Endpoint(ctx, "web", "front", netberth.Verbose))
	ip := front.Addresses[0].Addr().String()
	inside := must(netberth.CommandIn(ctx, key, "ip", "-o", "addr", "show", front.Interface).Output())
	fmt.Println(front.Interface, "has its address:", strings.Contains(string(inside), ip))

	fmt.Println(nb.DeleteSandbox(ctx, "c1"))
	fmt.Println(nb.DeleteEndpoint(ctx, "web", "front"))
	fmt.Println(nb.DeleteNetwork(ctx, "web"))
	// Output:
	// eth0 has its address: true
	// <nil>
	// <nil>
	// <nil>
}

func ExampleError() {
	ctx := context.Background()
	config, remove := place()
	defer remove()
	nb := must(netberth.Open(ctx, config))
	defer nb.Close()

	_, err := nb.Network(ctx, "web")
	if errors.Is(err, netberth.ErrNotFound) {
		fmt.Println(err)
	}
	// Output: network web not found
}

func ExampleHandle_Plan() {
	ctx := context.Background()
	config, remove := place()
	defer remove()
	nb := must(netberth.Open(ctx, config))
	defer nb.Close()

	lines := must(nb.Plan(ctx,
		netberth.PlanCreateNetwork(netberth.NetworkRequest{
			Name: "web", Options: &netberth.NetworkOptionsRequest{Bridge: "web0", MTU: 1400},
		}),
	))
	for _, line := range lines {
		if strings.HasPrefix(line, "ip link") {
			fmt.Println(line[:19])
		}
	}
	// Output:
	// ip link add web0 ad
	// ip link set web0 up
}

// A container that a runtime starts gets the network of the sandbox: its configuration names no
// network namespace, and the runtime is started in the right one.
func ExampleCommandIn() {
	ctx := context.Background()
	config, remove := place()
	defer remove()
	nb := must(netberth.Open(ctx, config))
	defer nb.Close()
	must(nb.CreateNetwork(ctx, netberth.NetworkRequest{Name: "web"}))
	must(nb.CreateEndpoint(ctx, "web", netberth.EndpointRequest{Name: "front"}))
	key := must(nb.Join(ctx, "web", "front", netberth.JoinRequest{ContainerID: "c1"}))
	gateway := must(nb.Network(ctx, "web", netberth.Verbose)).Options.Subnets[0].Gateway

	bundle := must(busybox(fmt.Sprintf("ping -c 1 -W 5 %s >/dev/null && echo the gateway answers", gateway), ""))
	defer os.RemoveAll(bundle)
	container := netberth.CommandIn(ctx, key, "crun", "--root", bundle+"/crun",
		"--cgroup-manager=disabled", "run", "--bundle", bundle, "netberth-go-example")
	out, err := container.CombinedOutput()
	fmt.Print(string(out))
	if err != nil {
		fmt.Println(err)
	}

	must(0, nb.DeleteSandbox(ctx, "c1"))
	must(0, nb.DeleteEndpoint(ctx, "web", "front"))
	must(0, nb.DeleteNetwork(ctx, "web"))
	// Output: the gateway answers
}

// busybox makes a bundle that runs a line of shell; without a path for its network the container has
// that of the runtime.
func busybox(line, network string) (string, error) {
	program, err := exec.LookPath("busybox")
	if err != nil {
		return "", err
	}
	bundle, err := os.MkdirTemp("", "netberth-bundle")
	if err != nil {
		return "", err
	}
	namespaces := `{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}`
	if network != "" {
		namespaces += fmt.Sprintf(`,{"type":"network","path":%q}`, network)
	}
	config := fmt.Sprintf(`{
		"ociVersion": "1.0.2",
		"root": {"path": "rootfs"},
		"process": {
			"cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], "args": ["sh", "-c", %q],
			"capabilities": {
				"bounding": ["CAP_NET_RAW"], "effective": ["CAP_NET_RAW"], "permitted": ["CAP_NET_RAW"]
			}
		},
		"mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
		"linux": {"namespaces": [%s]}
	}`, line, namespaces)
	build := fmt.Sprintf(`cd %s && mkdir -p rootfs/bin rootfs/proc rootfs/dev && cp %s rootfs/bin/busybox
		ln -s busybox rootfs/bin/sh && ln -s busybox rootfs/bin/ping`, bundle, program)
	if out, err := exec.Command("sh", "-c", build).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bundle, os.WriteFile(filepath.Join(bundle, "config.json"), []byte(config), 0o644)
}
