# One word each; CONTRIBUTING.md says when to use which.
# CARGO_TARGET_DIR, PREFIX, LIBDIR and DESTDIR are taken from the command line or the environment.

PREFIX ?= /usr/local
export PREFIX LIBDIR DESTDIR

.PHONY: help setup build header symbols demo test fuzz check install uninstall

help: ## what this says
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## install the tools that are missing (every word below does this first)
	@scripts/setup

build: setup ## the release: build/stage is laid out as an installation
	@scripts/build

header: setup ## write include/netberth.h anew from src/ffi
	@scripts/header

symbols: build ## write tests/abi anew from the library that was built
	@scripts/symbols

demo: setup ## two containers talk over a network, then all is undone
	@scripts/demo

test: setup ## every test, in a network of its own (as root)
	@scripts/test

fuzz: setup ## look for inputs that nobody thought of: FUZZ_SECONDS (300) for each target
	@scripts/fuzz

check: setup ## everything that is judged without running a network
	@scripts/check

bench: setup ## beside the peers and the limit (as root); QUICK=1 is short
	@scripts/bench

install: build ## into PREFIX (/usr/local), below DESTDIR if that is set
	@scripts/install

uninstall: ## take away what install placed there
	@scripts/install remove
