//go:build netberth_static

package netberth

// The shared library that lies beside it comes second and so is not needed.

// #cgo pkg-config: --static netberth
// #cgo LDFLAGS: -Wl,--as-needed -l:libnetberth.a
import "C"
