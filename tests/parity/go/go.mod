module parity

go 1.19

require github.com/netberth/netberth/bindings/go v0.0.0

replace github.com/netberth/netberth/bindings/go => ../../../bindings/go
