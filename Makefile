# `make demo` and `make test` do everything; the rest is for those who change Heng. See Documentation/HACKING.md.

SHELL := /bin/bash
SWIFT ?= swift
BUILD := .build/release
# One set of flags for programs and tests, so that the one build serves both.
RELEASE := -c release --explicit-target-dependency-import-check error
# Tests that start many processes run by themselves: what waits for the exit tests of the others never rests while a child
# that is not theirs has ended and is not collected yet.
PROCESS_TESTS := ^(MachineAgentTests|DaemonTests|CommandLineTests|GuestTests)[.]

.PHONY: demo test counts deps build build-tests onnx-cases fresh-onnx-cases sentence-encoder operators onnx-format format lint
.PHONY: check-exported-models mutants torture guest guest-kernels asan tsan fuzz install uninstall clean help peers shares

help: ## say what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: build ## install what is missing, build, and measure this machine with models served and trained
	$(BUILD)/heng bench run server --tier quick --budget 3m

test: deps onnx-cases guest-kernels ## install what is missing, build, and run every test
	$(SWIFT) build $(RELEASE) --build-tests
	@tools/run-tests $(SWIFT) test -c release --disable-testable-imports --skip '$(PROCESS_TESTS)'
	@TEST_LOG=process-tests.log tools/run-tests $(SWIFT) test -c release --disable-testable-imports --skip-build \
		--filter '$(PROCESS_TESTS)'

counts: deps ## count the instructions of our own overheads, and compare them with their thresholds
	@tools/install-dependencies valgrind
	Benchmarks/counts/check.sh

deps: ## install the Debian packages that are missing
	@tools/install-dependencies

build: deps ## build the programs in release mode
	$(SWIFT) build $(RELEASE)

onnx-cases: deps ## fetch the public cases of ONNX, once, into ~/.cache/heng
	@tools/fetch-onnx-cases

# Where the public cases lie, and a Python with the package onnx, whose reference computes the expected outputs.
CASES := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/heng/onnx-1.22.0
PYTHON := .build/python
SEED ?= 1

fresh-onnx-cases: build onnx-cases ## run the models of the public cases on fresh inputs of SEED, against onnx.reference
	test -x $(PYTHON)/bin/pip || python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet onnx==1.22.0 numpy
	$(PYTHON)/bin/python tools/fresh-onnx-cases $(CASES) .build/fresh-onnx-cases $(SEED)
	$(BUILD)/heng conform onnx --cases .build/fresh-onnx-cases --tolerance standard

check-exported-models: build onnx-cases ## let onnx.checker and ONNX Runtime judge the models that heng writes
	test -x $(PYTHON)/bin/pip || python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet onnx==1.22.0 onnxruntime==1.31.1 numpy
	$(PYTHON)/bin/python tools/check-exported-models $(BUILD)/heng $(CASES)/node

sentence-encoder: deps ## fetch a small sentence encoder, once, into ~/.cache/heng
	@tools/fetch-sentence-encoder

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

fuzz: deps onnx-cases ## let libFuzzer write models, topology files, results, samples and amounts; try damaged models
	HENG_FUZZ=1 $(SWIFT) build -c release -Xswiftc -use-ld=lld --scratch-path .build-fuzz --sanitize address \
		--product heng-fuzz
	tools/fuzz .build-fuzz/release/heng-fuzz $(FUZZ_TIME)
	$(SWIFT) build $(RELEASE) --product model-mutator
	$(BUILD)/model-mutator --count $(FUZZ_MODELS)

PEER_ROUNDS ?= 5

shares: build ## measure whether virtual devices hold their shares and quotas, for about three minutes
	@mkdir -p .build/shares
	Benchmarks/shares/run --json .build/shares/shares.json --markdown .build/shares/shares.md
	@cat .build/shares/shares.md

peers: build ## measure hengd beside Slurm and HyperQueue, which are fetched into .build-peers, for about ten minutes
	$(SWIFT) build $(RELEASE) --product daemon-load
	Benchmarks/peers/run --install --rounds $(PEER_ROUNDS) --json .build-peers/peers.json --markdown .build-peers/peers.md
	@cat .build-peers/peers.md

mutants: deps ## plant bugs into a copy of the scheduler, one by one, and see the simulations find them
	tools/mutants

# How often the daemon, and now and then a supervisor, is killed.
MOMENTS ?= 1000

torture: deps ## kill the daemon and supervisors at 1,000 moments (MOMENTS) while real jobs run
	$(SWIFT) build $(RELEASE) --build-tests
	HENG_TORTURE_MOMENTS=$(MOMENTS) $(SWIFT) test -c release --disable-testable-imports --skip-build \
		--filter DaemonTests.TortureTests

guest-kernels: deps ## fetch the kernels for virtual machines, once, into ~/.cache/heng
	@tools/guest fetch || echo "Tests in virtual machines are left out."

guest: build guest-kernels ## run hengd in virtual machines: four NUMA nodes, version 2 of control groups, and without root
	@tools/install-dependencies qemu-system-x86 seabios
	@failed=0; for scenario in shares numa groups rootless; do \
		echo "== $$scenario"; tools/guest run $$scenario || failed=1; done; exit $$failed

operators: build ## write Documentation/operators.md anew from the schemas
	$(BUILD)/heng model operators > Documentation/operators.md

onnx-format: ## write the Swift code of the ONNX file format anew; needs protoc and protoc-gen-swift
	protoc --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true --proto_path=Sources/ONNXFormat \
		--swift_out=Sources/ONNXFormat onnx.proto

# Where `make install` puts things; DESTDIR comes before it, for packages.
PREFIX ?= /usr/local
ROOT = $(DESTDIR)$(PREFIX)
INSTALL ?= install
# Beside the interface's one header: what only those need who write a device in C, and nobody must use.
SUPPORT := heng_device_support.h heng_device_operators.h heng_device_queue.h

install: ## install what `make build` built: program, library, headers, Python module, examples (PREFIX, DESTDIR)
	@test -x $(BUILD)/heng && test -f $(BUILD)/libHengLibrary.so || { echo "Run make build first." >&2; exit 2; }
	$(INSTALL) -d $(ROOT)/bin $(ROOT)/libexec/heng $(ROOT)/include $(ROOT)/lib/pkgconfig $(ROOT)/share/heng \
		$(ROOT)/share/doc/heng/examples/c
	$(INSTALL) -m 755 $(BUILD)/heng $(ROOT)/bin/heng
	$(INSTALL) -m 755 $(BUILD)/hengd $(ROOT)/bin/hengd
	$(INSTALL) -m 644 Config/virtual-devices.json $(ROOT)/share/heng/
	$(INSTALL) -m 755 $(BUILD)/heng-step $(ROOT)/libexec/heng/heng-step
	$(INSTALL) -m 755 --strip $(BUILD)/libHengLibrary.so $(ROOT)/lib/libheng.so.1
	ln -sf libheng.so.1 $(ROOT)/lib/libheng.so
	$(INSTALL) -m 644 Sources/CHengAccelerator/include/heng_accelerator.h $(ROOT)/include/
	$(INSTALL) -m 644 $(addprefix Sources/CHengAccelerator/support/,$(SUPPORT)) $(ROOT)/include/
	$(INSTALL) -m 644 Config/heng.pc $(ROOT)/lib/pkgconfig/
	$(INSTALL) -m 644 python/heng.py $(ROOT)/share/heng/
	$(INSTALL) -m 644 examples/c/*.c examples/c/*.h examples/c/Makefile $(ROOT)/share/doc/heng/examples/c/

uninstall: ## remove what `make install` put there (the same PREFIX and DESTDIR)
	rm -f $(ROOT)/bin/heng $(ROOT)/bin/hengd $(ROOT)/lib/libheng.so $(ROOT)/lib/libheng.so.1 $(ROOT)/include/heng_accelerator.h \
		$(addprefix $(ROOT)/include/,$(SUPPORT)) $(ROOT)/lib/pkgconfig/heng.pc
	rm -rf $(ROOT)/libexec/heng $(ROOT)/share/heng $(ROOT)/share/doc/heng

clean: ## remove what was built
	rm -rf .build .build-*
