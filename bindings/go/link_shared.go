//go:build !netberth_static

package netberth

// #cgo pkg-config: netberth
import "C"
