package netberth

// #include <stdint.h>
import "C"

import "runtime/cgo"

// netberthGoLog is what C calls, in the middle of a call of the library. Neither a panic nor a
// runtime.Goexit may unwind that: on a goroutine of their own they cannot, and a panic ends the
// process as anywhere else.
//
//export netberthGoLog
func netberthGoLog(level C.int, message *C.char, user C.uintptr_t) {
	collect()
	log := cgo.Handle(user).Value().(*logger).get()
	if log == nil {
		return
	}
	line, done := C.GoString(message), make(chan struct{})
	go func() {
		defer close(done)
		log(Level(level), line)
	}()
	<-done
}
