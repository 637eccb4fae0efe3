package netberth

// #include <netberth.h>
import "C"

import "context"

// Difference is one thing that is not as it should be.
type Difference struct {
	Owner Owner `json:"owner"`
	// What it is, in the words of ip, nft and sysctl.
	Object string `json:"object"`
	// What there should be, and what there is; "nothing" if nothing.
	Expected string `json:"expected"`
	Found    string `json:"found"`
	// Why a repair could not set it right: only in the answer of one that tried.
	Error string `json:"error,omitempty"`
}

// Owner is whose a thing is.
type Owner struct {
	// "network", "endpoint", "service", "sandbox", or "host", which has no id and no name.
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Verify compares what was made with what the host has, and says what of the host keeps networks from
// working. It changes nothing.
func (h *Handle) Verify(ctx context.Context) ([]Difference, error) {
	type verification struct {
		Differences []Difference `json:"differences"`
	}
	answer, err := ask[verification](ctx, h, nil, func(c *call) C.int {
		return C.netberth_verify(h.nb, 0, &c.out, &c.err)
	})
	return answer.Differences, err
}

// Repair is what a repair has done.
type Repair struct {
	// The differences that are no more.
	Repaired []Difference `json:"repaired"`
	// Those that are left.
	Differences []Difference `json:"differences"`
}

// Repair sets right what Verify tells of, as far as it is netberth's; what is right is not touched. A
// difference that cannot be set right does not keep others from it.
func (h *Handle) Repair(ctx context.Context) (Repair, error) {
	return ask[Repair](ctx, h, nil, func(c *call) C.int {
		return C.netberth_repair(h.nb, 0, &c.out, &c.err)
	})
}

// Collected is one thing that nobody needed any more.
type Collected struct {
	// "sandbox", "link" or "file".
	Kind string `json:"kind"`
	// The container of a sandbox.
	ID string `json:"id,omitempty"`
	// The name of a link, the path of a file.
	Name string `json:"name,omitempty"`
	Why  string `json:"why"`
}

// GC removes what nobody needs any more: sandboxes whose namespace is gone, links on netberth's own
// bridges and files in its own directories that no record has.
func (h *Handle) GC(ctx context.Context) ([]Collected, error) {
	type collection struct {
		Collected []Collected `json:"collected"`
	}
	answer, err := ask[collection](ctx, h, nil, func(c *call) C.int {
		return C.netberth_gc(h.nb, 0, &c.out, &c.err)
	})
	return answer.Collected, err
}
