# tensorlambda. `make help` lists what there is.

ifneq ($(words $(CURDIR)),1)
$(error the path of this folder has a space in it, which make cannot handle: $(CURDIR))
endif

TF_VERSION ?= 2.21.0
ARCH ?= $(shell go env GOARCH 2>/dev/null)
GOARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(ARCH)))
HOSTARCH := $(shell go env GOHOSTARCH 2>/dev/null)
BUILD := $(CURDIR)/build
# What is made for another architecture than this machine's has names of its own, so that
# neither takes the other's place.
SUFFIX := $(if $(filter $(HOSTARCH),$(GOARCH)),,-$(GOARCH))
LAYER := $(BUILD)/layer$(SUFFIX)/lib
TOOLS := $(BUILD)/tools
VERSITYGW := $(TOOLS)/versitygw-v1.8.0
GOLANGCI_LINT := $(TOOLS)/golangci-lint-v2.15.0
PYTHON := python3
VENV := $(BUILD)/venv/.complete
PIP := $(BUILD)/venv/bin/python -m pip install --quiet --disable-pip-version-check

# The C headers of the TensorFlow wheel are all the compiler needs; nothing is
# linked. Keep the path stable: each new value rebuilds the binding.
ifeq ($(origin CC),default)
export CC := $(if $(shell command -v gcc),gcc,cc)
endif
export CGO_ENABLED := 1
export CGO_CFLAGS := -O2 -g -I$(BUILD)/include

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

CROSS_arm64 := aarch64-linux-gnu-gcc
CROSS_amd64 := x86_64-linux-gnu-gcc
CROSS := $(if $(SUFFIX),GOARCH=$(GOARCH) CC=$(CROSS_$(GOARCH)))

# grpcnotrace: X-Ray's SDK brings gRPC, and gRPC's tracing page would keep every method of
# every type in the program, 10 MB of it.
BUILDFLAGS := -trimpath -tags lambda.norpc,grpcnotrace -ldflags '-s -w -X main.version=$(VERSION)'

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what it needs -----------------------------------------------------------

.PHONY: prerequisites
prerequisites:
	@sh layer/prerequisites.sh $(PYTHON)

# Always asked, instant when current: what is in build/include may be of another
# version, or gone, and only the program that puts it there can tell.
.PHONY: headers
headers: prerequisites
	@go run ./layer -headers-only -version $(TF_VERSION) -python $(PYTHON) >/dev/null

# A tool is built in a folder of its own and moved, so that two makes at once
# cannot take each other's apart. Arguments: name, package at version.
define install
	@echo "building $(1), which takes about two minutes the first time"
	@mkdir -p $(TOOLS) && dir=$$(mktemp -d $(TOOLS)/.install-XXXXXX) && \
		GOBIN=$$dir go install $(2) && mv -f $$dir/$(1) $@ && rmdir $$dir && ln -sfn $(notdir $@) $(TOOLS)/$(1)
endef

$(VERSITYGW): | prerequisites
	$(call install,versitygw,github.com/versity/versitygw/cmd/versitygw@v1.8.0)

$(GOLANGCI_LINT): | prerequisites
	$(call install,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0)

.PHONY: env
env: headers ## fetch the C headers and print what an editor needs
	@echo 'export CGO_ENABLED=1'
	@echo 'export CGO_CFLAGS="$(CGO_CFLAGS)"'

# --- what it makes -----------------------------------------------------------

.PHONY: build
build: headers ## build the program: build/bootstrap (ARCH=arm64: build/bootstrap-arm64)
	@$(CROSS) go build $(BUILDFLAGS) -o $(BUILD)/bootstrap$(SUFFIX) ./cmd/handler

.PHONY: layer
layer: | prerequisites ## pack libtensorflow for the Lambda layer: build/layer/lib (TF_VERSION=; ARCH=arm64: build/layer-arm64/lib)
	@go run ./layer -version $(TF_VERSION) -arch $(GOARCH) -python $(PYTHON) -out $(LAYER) -include $(BUILD)/include$(SUFFIX)

# --- SAM ---------------------------------------------------------------------

SAM_VERSION := 1.170.0
SAM_VENV := $(BUILD)/sam/.complete-$(SAM_VERSION)
SAM := SAM_CLI_TELEMETRY=0 $(BUILD)/sam/bin/sam

$(SAM_VENV): | prerequisites
	@echo "making $(BUILD)/sam with the SAM CLI, which takes about a minute the first time"
	@$(PYTHON) -m venv --clear $(BUILD)/sam
	@$(BUILD)/sam/bin/python -m pip install --quiet --disable-pip-version-check aws-sam-cli==$(SAM_VERSION)
	@touch $@

.PHONY: sam
sam: $(SAM_VENV) ## put the SAM CLI into build/sam
	@echo $(BUILD)/sam/bin/sam

# The template that it writes has the architecture as default: who deploys it need not say
# again what was built.
.PHONY: sam-build
sam-build: $(SAM_VENV) ## build the functions and the layer as SAM deploys them: .aws-sam/build (ARCH=)
	@ARCH=$(GOARCH) $(SAM) build --build-dir $(SAM_BUILD) --parameter-overrides Architecture=$(SAM_ARCH)
	@sed -i '/^  Architecture:$$/,/^    Default:/s/^    Default:.*/    Default: $(SAM_ARCH)/' $(SAM_BUILD)/template.yaml

SAM_ARCH := $(if $(filter arm64,$(GOARCH)),arm64,x86_64)
SAM_BUILD := .aws-sam/build

# What cmd/handler/Makefile and layer/Makefile call, in ARTIFACTS_DIR.
.PHONY: sam-function sam-layer
sam-function: headers
	@mkdir -p $(ARTIFACTS_DIR)
	@$(CROSS) go build $(BUILDFLAGS) -o $(ARTIFACTS_DIR)/bootstrap ./cmd/handler
	@chmod 755 $(ARTIFACTS_DIR)/bootstrap
	@go run ./layer/gate function $(ARTIFACTS_DIR) $(GOARCH)

sam-layer: layer
	@mkdir -p $(ARTIFACTS_DIR)/lib
	@cp $(LAYER)/* $(ARTIFACTS_DIR)/lib
	@chmod 644 $(ARTIFACTS_DIR)/lib/*
	@go run ./layer/gate layer $(ARTIFACTS_DIR) $(GOARCH)

.PHONY: local local-api
local: sam-build $(VERSITYGW) ## run a function in a container with sam local (EVENT=events/apigateway-v2.json, FUNCTION=)
	@go build -o $(BUILD)/local ./cmd/local
	@$(BUILD)/local $(if $(FUNCTION),-function $(FUNCTION)) $(if $(EVENT),-event $(EVENT))

local-api: sam-build $(VERSITYGW) ## serve the HTTP API from a container with sam local (ADDR=127.0.0.1:3000)
	@go build -o $(BUILD)/local ./cmd/local
	@$(BUILD)/local -api $(or $(ADDR),127.0.0.1:3000)

# --- the container image -----------------------------------------------------

IMAGE ?= tensorlambda:latest
BASE ?= public.ecr.aws/lambda/provided:al2023-$(SAM_ARCH)
IMAGE_DIR := $(BUILD)/image-$(GOARCH)

# Lambda takes no list of manifests, which an attestation would make of the image.
.PHONY: image
image: headers ## build the function as a container image, with Docker (IMAGE=tensorlambda:latest, ARCH=, BASE=)
	@docker version >/dev/null || { echo "an image needs a Docker engine that this user may talk to" >&2; exit 1; }
	@go run ./layer -version $(TF_VERSION) -arch $(GOARCH) -python $(PYTHON) -out $(LAYER) -include $(BUILD)/include$(SUFFIX) -raw $(IMAGE_DIR)/lib
	@$(CROSS) go build $(BUILDFLAGS) -o $(IMAGE_DIR)/bootstrap ./cmd/handler
	@chmod -R u=rwX,go=rX $(IMAGE_DIR)
	@go run ./layer/gate image $(IMAGE_DIR) $(GOARCH)
	@BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --quiet --platform linux/$(GOARCH) --build-arg BASE=$(BASE) --tag $(IMAGE) --file Dockerfile $(IMAGE_DIR)
	@[ "$$(docker image inspect -f '{{index .Config.Labels "tensorlambda.stand-in"}}' $(IMAGE))" != true ] || \
		echo "$(IMAGE) is built on a stand-in for AWS's base image: it can be tried here and must not be deployed" >&2

.PHONY: run
run: build layer $(VERSITYGW) ## show it all: model in S3, one API Gateway event, the cold start; then serve (ONCE=1: stop there; ADDR=127.0.0.1:8080)
	@go build -o $(BUILD)/demo ./cmd/demo
	@$(BUILD)/demo $(if $(ONCE),-once) $(if $(ADDR),-addr $(ADDR))

# --- how it is checked -------------------------------------------------------

.PHONY: format
format: ## rewrite the sources as gofmt wants them
	@gofmt -w bench cmd internal layer test web

.PHONY: lint
lint: $(GOLANGCI_LINT) headers ## format, vet and lint
	@sh test/format.sh
	@go vet ./...
	@$(GOLANGCI_LINT) run ./...

# For one package. Go's ten minutes are too few for test/ on a machine that is busy:
# there it takes seven on two free cores.
TEST_TIMEOUT := 40m

# The start of an arm64 function needs its layer; of 2.15 there is none.
.PHONY: check
check: lint build layer $(VERSITYGW) $(VENV) $(SAM_VENV) ## the fast loop: lint, unit and integration tests
	@sh test/arm64.sh && $(MAKE) --no-print-directory layer ARCH=arm64 $(if $(filter 2.15%,$(TF_VERSION)),TF_VERSION=2.16) || [ $$? = 3 ]
	@sh internal/samlocal/engine.sh check || { [ $$? = 3 ] && echo "not run: the tests of sam local and of the image (test/samlocal_test.go, test/image_test.go), which need that engine"; }
	@sh test/browser.sh $(TOOLS) || [ $$? = 3 ]
	@go test -timeout $(TEST_TIMEOUT) ./...

.PHONY: test
test: check ## everything: check, then the race detector over all of it
	@go test -race -timeout $(TEST_TIMEOUT) ./...

.PHONY: bench
bench: build layer $(VERSITYGW) $(VENV) ## measure: cold start and HTTP beside Python, codecs, warm requests
	@go run ./bench

.PHONY: bench-cold
bench-cold: build layer $(VERSITYGW) ## cold starts at memory sizes of Lambda: MEMORY="1024 2048 3008" (MB), ROUNDS=5, MODEL=path
	@go run ./bench -only cold $(if $(MEMORY),-memory "$(MEMORY)") $(if $(ROUNDS),-rounds $(ROUNDS)) $(if $(MODEL),-cold-model "$(MODEL)")

# What Python compares with us, and the clients that the tests run. The protos
# of TensorFlow Serving ask for a second TensorFlow, which nobody needs.
$(VENV): bench/python/requirements.txt test/clients/requirements.txt test/clients/protos.txt | prerequisites
	@echo "making $(BUILD)/venv with TensorFlow for Python, which takes about a minute the first time"
	@$(PYTHON) -c 'import ensurepip' || { echo "missing: venv for $(PYTHON) (Debian/Ubuntu 'apt-get install python3-venv')" >&2; exit 1; }
	@$(PYTHON) -m venv $(BUILD)/venv
	@$(PIP) -r bench/python/requirements.txt -r test/clients/requirements.txt
	@$(PIP) --no-deps -r test/clients/protos.txt
	@touch $@

.PHONY: clean
clean: ## remove what was built; the cache of downloads stays
	@rm -rf $(BUILD)/bootstrap $(BUILD)/bootstrap-* $(BUILD)/layer $(BUILD)/layer-* $(BUILD)/image-* $(BUILD)/include $(BUILD)/include-*
