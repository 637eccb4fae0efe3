package netberth

// #include <netberth.h>
import "C"

import "context"

// JoinManyRequest is one of many joins: an endpoint, and the container for it.
type JoinManyRequest struct {
	// The default network bridge if empty.
	Network   string          `json:"network,omitempty"`
	Endpoint  EndpointRequest `json:"endpoint"`
	Container JoinRequest     `json:"container"`
}

// JoinResult is what became of one of many joins: Endpoint and Key, or Err.
type JoinResult struct {
	// The id of the new endpoint.
	Endpoint string `json:"endpoint,omitempty"`
	// The sandbox key: the path of the container's network namespace.
	Key string `json:"key,omitempty"`
	// Why it was refused; nil if it was not.
	Err *Error `json:"error,omitempty"`
}

// JoinMany creates an endpoint for each request and joins its container to it, as one change; the
// results are in the order of the requests. With the flag Atomic all are done, or none is and the
// first refusal is returned.
func (h *Handle) JoinMany(
	ctx context.Context, r []JoinManyRequest, flags ...Flag,
) ([]JoinResult, error) {
	// None is an array of none, not null.
	r = append([]JoinManyRequest{}, r...)
	return ask[[]JoinResult](ctx, h, []argument{request(r)}, func(c *call) C.int {
		return C.netberth_join_many(h.nb, c.arg[0], union(flags), &c.out, &c.err)
	})
}
