# Runback. The two commands to know: make demo, make test.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := $(CURDIR)/bin
SANDBOX := internal/sandbox
GOLANGCI_LINT_VERSION := v2.15.0
# kubectl and other clients parse the version that the API server reports.
SANDBOX_LDFLAGS := -s -w -X k8s.io/component-base/version.gitVersion=v1.35.4
PROGRESS := internal/tasks/progress

go_sources = $(shell find $(1) -name '*.go' -not -path '*/testdata/*') $(wildcard $(1)/go.mod $(1)/go.sum)
MAIN_SOURCES := $(call go_sources,actions cmd executor playbooks schema) $(shell find internal -path internal/sandbox -prune -o -type f -print) $(wildcard playbooks/*.yaml) go.mod go.sum
SANDBOX_SOURCES := $(shell find $(SANDBOX) -type f)

##@ The two commands
.PHONY: demo test
demo: need-go $(BIN)/runback $(BIN)/sandbox ## break a release in a real Kubernetes API and roll it back under real traffic
	@internal/tasks/demo

test: need-go need-tools build sandbox sandbox-metrics $(BIN)/runback-crash ## run every test, the end-to-end tests on the sandbox included
	@internal/tasks/test

##@ More tests
.PHONY: test-argo
test-argo: need-go build sandbox $(BIN)/runback-crash ## test the argo steps with the real controller of Argo Rollouts, which takes some minutes to build
	@internal/tasks/need-argo-rollouts
	@go test -race -tags argorollouts -timeout 20m ./actions/argo
	@go test -race -tags argorollouts -timeout 20m -run RealController ./internal/e2e

##@ Building
.PHONY: build sandbox sandbox-metrics clean
build: need-go $(BIN)/runback ## build bin/runback
sandbox: need-go $(BIN)/sandbox ## build bin/sandbox: Kubernetes, nodes, traffic, all as local processes
sandbox-metrics: need-go $(BIN)/metrics-server ## build the optional metrics-server of the sandbox

$(BIN)/runback: $(MAIN_SOURCES)
	@$(PROGRESS) "building bin/runback" . ./cmd/runback $@

# The same program with crash points: it ends itself at a journal event.
$(BIN)/runback-crash: $(MAIN_SOURCES)
	@$(PROGRESS) "building bin/runback-crash" . ./cmd/runback $@ -tags crashpoints

$(BIN)/sandbox: $(SANDBOX_SOURCES)
	@$(PROGRESS) "building bin/sandbox-app" $(SANDBOX) ./cmd/sandbox-app $(BIN)/sandbox-app -ldflags "-s -w"
	@$(PROGRESS) "building bin/sandbox (a whole Kubernetes: some minutes the first time)" $(SANDBOX) ./cmd/sandbox $@ -ldflags "$(SANDBOX_LDFLAGS)"

$(BIN)/metrics-server: $(SANDBOX_SOURCES)
	@$(PROGRESS) "building bin/metrics-server" $(SANDBOX)/metricsserver . $@ -ldflags "-s -w"

clean: ## remove what was built
	rm -rf $(BIN)

##@ Checking
.PHONY: lint vet bench crash-matrix generate check-generate
lint: need-go $(BIN)/golangci-lint ## run the linters
	@$(BIN)/golangci-lint run ./...
	@cd $(SANDBOX) && $(BIN)/golangci-lint run --config ../../.golangci.yml ./...

crash-matrix: need-go ## kill, starve and cut the power of executors, the long form: about an hour
	@internal/tasks/crash-matrix

bench: need-go build sandbox ## measure the real program, see docs/performance.md
	@internal/tasks/bench

vet: need-go ## run go vet
	@go vet ./... && cd $(SANDBOX) && go vet ./...

generate: need-go ## write the generated files: JSON Schema, action reference, README output
	@go test ./internal/cli -run 'TestGenerated' -count=1 -update

.PHONY: screens
screens: need-go $(BIN)/runback $(BIN)/sandbox ## take the terminal captures in docs/screens anew, from real runs
	@go test ./internal/e2e -run 'TestScreens$$' -count=1 -screens

check-generate: need-go ## fail when a generated file is stale
	@go test ./internal/cli -run 'TestGenerated' -count=1

$(BIN)/golangci-lint:
	@echo "==> building golangci-lint $(GOLANGCI_LINT_VERSION) (some minutes the first time)"
	@GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: need-go need-tools help
need-go:
	@command -v go >/dev/null || { echo "Go 1.26 or later is needed: https://go.dev/dl"; exit 1; }

need-tools:
	@internal/tasks/need "$${CC:-gcc}" "gcc libc6-dev" "for go test -race"
	@internal/tasks/need strace strace "to take system calls away from a run"
	@internal/tasks/need-postgres
	@internal/tasks/need-alembic
	@internal/tasks/need-terraform
	@cd internal/tools/argo-rollouts && go mod download github.com/argoproj/argo-rollouts # its definitions
	@internal/tasks/need-helm

help: ## show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
