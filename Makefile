# SPDX-License-Identifier: Apache-2.0
# The commands of this repository; meson and ninja do the building. `make help` lists them.

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 3
SOAK_MINUTES ?= 10

.DEFAULT_GOAL := build

.PHONY: build
build: $(BUILD)/build.ninja ## build everything into build/
	@ninja -C $(BUILD)
	@BUILD=$(BUILD) scripts/web

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix=$(PREFIX)

.PHONY: web
web: ## build the console's pages into build/console-web
	@BUILD=$(BUILD) scripts/web

.PHONY: setup
setup: ## install what is needed from the archive of Debian 12
	@scripts/setup

.PHONY: demo
demo: setup build ## close real holes in a running kernel and in a running TLS server, in a virtual machine
	@demo/run

.PHONY: test
test: setup ## everything below from check to vm; ends in "N passed, N failed"
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run

.PHONY: check
check: build ## static analysis
	@scripts/check

.PHONY: unit
unit: ## unit tests
	@tests/run unit

.PHONY: asan
asan: ## unit tests with AddressSanitizer and UBSan
	@tests/run asan

.PHONY: tsan
tsan: ## unit tests with ThreadSanitizer
	@tests/run tsan

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ_SECONDS each
	@scripts/fuzz $(FUZZ_SECONDS)

.PHONY: vm
vm: build ## scenarios in virtual machines that run the target's own kernel
	@tests/run vm

.PHONY: soak
soak: build ## agent and process engine killed at every system call; apply, replace and revert under load for SOAK_MINUTES
	@AGENT_FAULTS=all $(BUILD)/tests/unit/test_agent_faults
	@AGENT_FAULTS=all tests/e2e/agent-faults
	@KILLS=1000 tests/e2e/process-traps
	@tests/load/run
	@tests/vm/soak $(SOAK_MINUTES)

.PHONY: cves
cves: build ## holes of real libraries, closed in one running process each: before, with the patch, reverted
	@tests/cves/run

.PHONY: survey
survey: build ## prove the functions of 100 files of the kernel against the shipped image
	@tests/survey

.PHONY: bench
bench: build ## the figures: time to build a patch, length of the pause, cost of trust, of a portal, of the agent, of a library patch
	@bench/run

.PHONY: format
format: ## lay out the C code as .clang-format says
	@scripts/checks/files . '*.[ch]' | xargs -r clang-format -i

.PHONY: deb
deb: setup ## packages of the agent into out/packages; TRUST=DIR: with root.json and keys of that folder
	@packaging/deb/build $(if $(VERSION),-v $(VERSION)) $(if $(TRUST),-t $(TRUST))

.PHONY: serverdeb
serverdeb: setup ## packages of suture-portal and suture-console into out/servers
	@packaging/deb/build-servers $(if $(VERSION),-v $(VERSION))

.PHONY: install
install: build ## install under PREFIX (DESTDIR is honoured)
	@meson install -C $(BUILD) --no-rebuild

.PHONY: clean
clean: ## remove what was built
	rm -rf build build-asan build-tsan build-release build-servers out

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
