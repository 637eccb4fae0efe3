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
