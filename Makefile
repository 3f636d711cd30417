# `make demo` and `make test` do everything; the rest is for those who change Heng. See Documentation/HACKING.md.

SHELL := /bin/bash
SWIFT ?= swift
BUILD := .build/release
# One set of flags for programs and tests, so that the one build serves both.
RELEASE := -c release --explicit-target-dependency-import-check error

.PHONY: demo test deps build build-tests format lint asan tsan fuzz clean help

help: ## say what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: build ## install what is missing, build, and measure this machine with models served and trained
	$(BUILD)/heng bench run server --tier quick --budget 3m

test: deps ## install what is missing, build, and run every test
	$(SWIFT) build $(RELEASE) --build-tests
	$(SWIFT) test -c release --disable-testable-imports

deps: ## install the Debian packages that are missing
	@tools/install-dependencies

build: deps ## build the programs in release mode
	$(SWIFT) build $(RELEASE)

format: ## format all Swift sources in place
	$(SWIFT) format format --in-place --recursive Package.swift Sources Tests Benchmarks

lint: ## check the format, as the continuous integration does
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Benchmarks

# Debug builds apart from the usual one. The linker gold stumbles over sanitizers, so these take lld.
SANITIZED := HENG_SANITIZE=1 $(SWIFT) test -Xswiftc -use-ld=lld $(if $(FILTER),--filter '$(FILTER)')

asan: deps ## run the tests, or those of FILTER=..., under the address sanitizer
	$(SANITIZED) --scratch-path .build-asan --sanitize address

tsan: deps ## run the tests, or those of FILTER=..., under the thread sanitizer
	$(SANITIZED) --scratch-path .build-tsan --sanitize thread

# Seconds for each reader, and how many damaged models are tried.
FUZZ_TIME ?= 60
FUZZ_MODELS ?= 100000

fuzz: deps ## let libFuzzer write models, topology files, results, samples and amounts; try damaged models
	HENG_FUZZ=1 $(SWIFT) build -c release -Xswiftc -use-ld=lld --scratch-path .build-fuzz --sanitize address \
		--product heng-fuzz
	tools/fuzz .build-fuzz/release/heng-fuzz $(FUZZ_TIME)
	$(SWIFT) build $(RELEASE) --product model-mutator
	tools/fetch-onnx-cases
	$(BUILD)/model-mutator --count $(FUZZ_MODELS)

clean: ## remove what was built
	rm -rf .build .build-*
