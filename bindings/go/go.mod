module github.com/netberth/netberth/bindings/go

go 1.19
