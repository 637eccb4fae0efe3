package netberth_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	netberth "github.com/netberth/netberth/bindings/go"
)

// Two ways into a sandbox, for each runtime: it is started there, or it is told the path.
func TestContainersPingTheirGateway(t *testing.T) {
	ctx := context.Background()
	config, remove := place()
	defer remove()
	nb := must(netberth.Open(ctx, config))
	defer nb.Close()
	must(nb.CreateNetwork(ctx, netberth.NetworkRequest{Name: "web"}))
	gateway := must(nb.Network(ctx, "web", netberth.Verbose)).Options.Subnets[0].Gateway
	for _, runtime := range [][]string{{"crun", "--cgroup-manager=disabled"}, {"runc"}} {
		for _, told := range []bool{false, true} {
			name := fmt.Sprintf("netberth-go-%d-%s-%v", os.Getpid(), runtime[0], told)
			must(nb.CreateEndpoint(ctx, "web", netberth.EndpointRequest{Name: name}))
			key := must(nb.Join(ctx, "web", name, netberth.JoinRequest{ContainerID: name}))
			path := ""
			if told {
				path = key
			}
			bundle := must(busybox(fmt.Sprintf("ping -c 1 -W 5 %s", gateway), path))
			defer os.RemoveAll(bundle)
			args := append(runtime[1:], "--root", bundle+"/runtime", "run", "--bundle", bundle, name)
			var out []byte
			var err error
			if told {
				out, err = exec.CommandContext(ctx, runtime[0], args...).CombinedOutput()
			} else {
				out, err = netberth.CommandIn(ctx, key, runtime[0], args...).CombinedOutput()
			}
			if err != nil {
				t.Errorf("%s: %v: %s", name, err, out)
			}
			must(0, nb.DeleteSandbox(ctx, name))
			must(0, nb.DeleteEndpoint(ctx, "web", name))
		}
	}
	must(0, nb.DeleteNetwork(ctx, "web"))
}
