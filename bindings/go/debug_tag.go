//go:build netberth_debug

package netberth

func init() { collects = true }
