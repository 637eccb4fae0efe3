package netberth

import (
	"os"
	"runtime"
)

// collects says that garbage is collected at each call.
var collects = os.Getenv("NETBERTH_DEBUG_GC") == "1"

func collect() {
	if collects {
		runtime.GC()
	}
}
