# make run and make test need nothing but Go. Everything else says what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PORT ?= 8787
DATA_DIR ?= .local
ENV ?= dev
FUNCTIONS := $(notdir $(patsubst %/lambda,%,$(wildcard functions/*/lambda)))
TOOL := go tool -modfile=infra/tools/go.mod
# What a Lambda is built with: no RPC mode, no symbols, no paths of the builder.
LAMBDA_BUILD := CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -ldflags "-s -w"
SIZE_MAX := 15728640
# The race detector needs a C compiler; without one the suite runs all the same.
RACE := $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC)" >/dev/null && echo -race)

.PHONY: help run demo test check lint format generate template-check fuzz bench bench-local build size smoke deploy local-invoke clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

run: ## serve the whole backend on this machine (PORT, DATA_DIR)
	@go run ./infra/local/run -port $(PORT) -data $(DATA_DIR)

demo: ## fill a running server with a demo organisation
	@go run ./infra/local/demo -url http://localhost:$(PORT)

test: ## the whole test suite: offline, race detector, shuffled
	@[ -n "$(RACE)" ] || echo "no C compiler: the race detector is skipped"
	@go test $(RACE) -shuffle=on ./...

check: format lint template-check test generate ## everything that must hold before a commit
	@git diff --exit-code --stat || { echo "generated files or formatting were stale: commit the result"; exit 1; }

lint: ## go vet, golangci-lint (pinned in infra/tools), dead code
	@go vet ./...
	@$(TOOL) golangci-lint run ./...
	@dead=$$($(TOOL) deadcode -test ./...); [ -z "$$dead" ] || { echo "$$dead"; exit 1; }

format: ## gofumpt and goimports
	@$(TOOL) golangci-lint fmt ./...

generate: ## rewrite shared/contract from the route tables
	@go test ./infra/modules -run TestContractIsFresh -update -count=1 >/dev/null

template-check: ## template.yaml against the code; cfn-lint too where it is installed
	@go test ./infra/modules -run 'TestTemplate' -count=1
	@if command -v cfn-lint >/dev/null; then cfn-lint template.yaml && echo "cfn-lint: clean"; else echo "cfn-lint is not installed: skipped"; fi

fuzz: ## every fuzz target for FUZZTIME (20s) each
	@FUZZTIME=$${FUZZTIME:-20s} infra/fuzz

bench: ## Go benchmarks, then the local server against the budgets
	@go test -run '^$$' -bench . -benchmem ./shared/... ./infra/local/... | grep -E '^(Benchmark|pkg:)'
	@go run ./infra/bench

build: $(addprefix build-,$(FUNCTIONS)) ## arm64 bootstraps of all functions in bin/

build-%:
	@mkdir -p bin/$*
	@GOOS=linux GOARCH=arm64 $(LAMBDA_BUILD) -o bin/$*/bootstrap ./functions/$*/lambda

# sam build calls build-<LogicalId>; the module is its name without "Function".
build-%Function:
	@GOOS=linux GOARCH=arm64 $(LAMBDA_BUILD) -o $(ARTIFACTS_DIR)/bootstrap ./functions/$$(echo $* | tr '[:upper:]' '[:lower:]')/lambda

size: build ## sizes of the bootstraps against the budget of 15 MB
	@for f in $(FUNCTIONS); do wc -c < bin/$$f/bootstrap | awk -v f=$$f -v max=$(SIZE_MAX) '{printf "%-14s %6.2f MB\n", f, $$1/1048576; if ($$1 > max) exit 1}' || over=1; done; [ -z "$$over" ]

smoke: ## every built bootstrap answers its payloads in events/
	@go run ./infra/local/smoke

local-invoke: ## one payload to one function: FUNCTION=users EVENT=events/users-whoami.json
	@go run ./infra/local/invoke -function $(FUNCTION) -event $(EVENT)

deploy: ## sam build and sam deploy to ENV (dev, staging, prod); needs the SAM CLI
	@command -v sam >/dev/null || { echo "the AWS SAM CLI is needed: https://docs.aws.amazon.com/serverless-application-model/"; exit 1; }
	@sam build --config-env $(ENV) && sam deploy --config-env $(ENV)

clean: ## remove built files; keeps .local
	@rm -rf bin build .aws-sam
