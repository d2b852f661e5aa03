# The commands that people type. CMake builds; this sets the machine up, then calls it.
.DEFAULT_GOAL := help
.PHONY: help deps build install serve test bench lint fuzz clean
.NOTPARALLEL:  # the build and the tests are parallel inside

PLAIT := build/release/plait
JOBS ?= $(shell nproc)
CONFIGURE := cmake --preset release >/dev/null
BUILD := cmake --build --preset release --parallel $(JOBS)

help: ## show this list
	@echo "Plait: one engine for real-time messages over every wire"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

deps: ## install what building and testing need (Debian 12, apt); the other commands do it by themselves
	@scripts/install_deps build test

build: build/release/build.ninja ## build the release: the library, the command, the examples, the tests
	@$(BUILD)

PREFIX ?= /usr/local
install: build/release/build.ninja ## build the release and install library and command (PREFIX=/usr/local DESTDIR=)
	@$(BUILD) --target plait plait_cli
	@cmake --install build/release --prefix "$(PREFIX)" --component plait

serve: build/release/build.ninja ## build the release and start the server in development mode (ARGS="--listen URL")
	@$(BUILD) --target plait_cli
	@exec $(PLAIT) serve --dev $(ARGS)

test: build/deps.test build/release/build.ninja ## build the release and run all its tests (ARGS="-R name" for some)
	@[ build/release/build.ninja -nt build/deps.test ] || $(CONFIGURE)
	@$(BUILD)
	@scripts/run_ctest release $(ARGS)

bench: build/deps.bench build/release/build.ninja ## measure beside the peers (SUITE=websocket ARGS=--quick)
	@$(BUILD) --target plait_cli
	@set -e; for suite in $(or $(SUITE),tcp-echo websocket); do $(PLAIT) bench $$suite --peers $(ARGS); done

lint: build/deps.lint build/release/build.ninja ## check format and, by clang-tidy, what has changed (ALL=1: everything)
	@scripts/lint $(if $(ALL),--all)

fuzz: build/deps.build build/deps.fuzz ## run the libFuzzer targets (SECONDS=60 each, TARGET=name for one)
	@scripts/fuzz "$(or $(SECONDS),60)" $(TARGET)

clean: ## remove everything that was built
	@rm -rf build

# A stamp for each group of scripts/packages.txt: the check costs nothing while the list stays the same.
build/deps.%: scripts/packages.txt scripts/install_deps
	@$(if $(SKIP_DEPS),:,scripts/install_deps $(sort build $*))
	@mkdir -p build && touch $@

# Ninja itself configures again when a CMake file changes.
build/release/build.ninja: | build/deps.build
	@$(CONFIGURE)
