package netberth

// #include <stdlib.h>
// #include <netberth.h>
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unsafe"
)

// Flag is what a call without a request can be asked for. The library refuses a flag that means
// nothing to the call.
type Flag uint32

const (
	// Verbose tells all there is. For calls that look.
	Verbose Flag = C.NETBERTH_VERBOSE
	// Force detaches first what is joined. For calls that delete.
	Force Flag = C.NETBERTH_FORCE
	// Drain lets connections go on, and only new ones go elsewhere. For DetachBackend.
	Drain Flag = C.NETBERTH_DRAIN
	// Atomic does all or none. For JoinMany.
	Atomic Flag = C.NETBERTH_ATOMIC
)

func union(flags []Flag) C.uint32_t {
	all := Flag(0)
	for _, flag := range flags {
		all |= flag
	}
	return C.uint32_t(all)
}

// Filter says which of a list are wanted: one of its fields, or none for all.
type Filter struct {
	// Exactly this name.
	Name string `json:"name,omitempty"`
	// An id that begins with this.
	PartialID string `json:"partial_id,omitempty"`
	// On the network of this name; for services only.
	Network string `json:"network,omitempty"`
}

// argument is a text for C: as it is, or the JSON of a document.
type argument struct {
	name     string
	text     string
	document any
}

func text(name, value string) argument         { return argument{name: name, text: value} }
func document(name string, value any) argument { return argument{name: name, document: value} }
func network(value string) argument            { return text("network", value) }
func endpoint(value string) argument           { return text("endpoint", value) }
func service(value string) argument            { return text("service", value) }
func container(value string) argument          { return text("container", value) }
func request(value any) argument               { return document("request", value) }

func (a argument) invalid(what string) error {
	return &Error{Kind: ErrInvalid, Message: a.name + what}
}

func (a argument) bytes() (string, error) {
	if a.document == nil {
		if strings.IndexByte(a.text, 0) >= 0 {
			return "", a.invalid(fmt.Sprintf(" %q has a NUL in it", a.text))
		}
		return a.text, nil
	}
	encoded, err := json.Marshal(a.document)
	if err != nil {
		return "", a.invalid(" is no document: " + err.Error())
	}
	if replaced(encoded) {
		return "", a.invalid(" has text that is not UTF-8")
	}
	return string(encoded), nil
}

// replaced says whether json.Marshal met what is not UTF-8: it writes the escape \ufffd for it, and
// the character itself where the text has that character.
func replaced(encoded []byte) bool {
	// An escaped backslash is not the beginning of another escape.
	return bytes.Contains(bytes.ReplaceAll(encoded, []byte(`\\`), nil), []byte(`\ufffd`))
}

// call is what one call of the library has of C.
type call struct {
	arg []*C.char
	out *C.char
	err *C.netberth_error
}

// prepare makes the arguments, which run frees.
func prepare(ctx context.Context, arguments ...argument) (*call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	texts := make([]string, len(arguments))
	for i, argument := range arguments {
		var err error
		if texts[i], err = argument.bytes(); err != nil {
			return nil, err
		}
	}
	c := &call{arg: make([]*C.char, len(texts))}
	for i, text := range texts {
		c.arg[i] = C.CString(text)
	}
	return c, nil
}

func (c *call) run(function func() C.int) error {
	defer collect()
	defer c.drop()
	collect()
	code := function()
	if code != 0 {
		return failure(code, c.err)
	}
	return nil
}

func (c *call) drop() {
	for _, text := range c.arg {
		C.free(unsafe.Pointer(text))
	}
}

// do calls a function that only succeeds or, by c.out, answers with a text.
func (h *Handle) do(
	ctx context.Context, arguments []argument, function func(c *call) C.int,
) (string, error) {
	c, err := prepare(ctx, arguments...)
	if err != nil {
		return "", err
	}
	if err := h.begin(); err != nil {
		c.drop()
		return "", err
	}
	defer h.leave()
	if err := c.run(func() C.int { return function(c) }); err != nil {
		return "", err
	}
	defer C.netberth_string_free(c.out)
	return C.GoString(c.out), nil
}

// decoded is for tests, which see what became of every answer.
var decoded = func(text string, value any) {}

// ask calls a function that answers with a document.
func ask[T any](
	ctx context.Context, h *Handle, arguments []argument, function func(c *call) C.int,
) (T, error) {
	var answer, none T
	text, err := h.do(ctx, arguments, function)
	if err != nil {
		return none, err
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return none, fmt.Errorf("an answer of libnetberth %s is not what is expected: %w", Version(), err)
	}
	decoded(text, &answer)
	return answer, nil
}
