# One word each; every target first installs and builds what it needs (scripts/deps.sh).
SEEDS ?= 1000
SECONDS ?= 60
JOBS ?= $(shell nproc)
export CTEST_PARALLEL_LEVEL ?= $(JOBS)

.DEFAULT_GOAL := build
.PHONY: deps build test demo lab images e2e sim fuzz bench lint clean

deps: ## everything that a bare Debian machine lacks
	scripts/deps.sh build test bench lab lint fuzz e2e

build: ## the binaries in build/bin, and the adapter
	scripts/deps.sh build
	scripts/build.sh

test: ## every test; ends with "N passed, N failed"
	scripts/deps.sh build test bench lab
	scripts/test.sh

demo: ## three chat servers on :3001 :3002 :3003, until Ctrl-C
	scripts/deps.sh build
	scripts/build.sh demo
	exec node demo/run.mjs

lab: ## four systems under one set of cases; SYSTEM="socketmesh" CASE="rolling": some; writes lab/report/index.html
	scripts/deps.sh build lab
	scripts/build.sh lab
	node lab/run.mjs

images: ## OCI archives in build/images: sidecar, operator, and what the e2e needs
	scripts/deps.sh build e2e
	scripts/build.sh
	scripts/images.sh

e2e: ## on a real Kubernetes; CLUSTER=existing: the current one; CASES="inject rotation": some
	scripts/deps.sh build e2e
	e2e/e2e.sh $(CASES)

sim: ## the simulator: make sim SEEDS=1000
	scripts/deps.sh build test
	scripts/cmake.sh release sim
	build/release/tests/sim --seeds $(SEEDS)
	build/release/tests/sim --leaving --seeds $(SEEDS)
	build/release/tests/sim --dying --seeds $(SEEDS)
	build/release/tests/sim --stopping --seeds $(SEEDS)

fuzz: ## every decoder: make fuzz SECONDS=60 (split over the targets)
	scripts/deps.sh build fuzz
	scripts/fuzz.sh $(SECONDS)

bench: ## ten minutes against other adapters; SUITE=full all of it, SUITE=relay one; bench/report/
	scripts/deps.sh build test bench
	scripts/build.sh bench
	scripts/cmake.sh release bench_relay bench_clients bench_scale
	node bench/run.mjs

lint: ## format, clang-tidy, purity of the cores, adapter, scripts
	scripts/deps.sh build test lint
	scripts/lint.sh

clean:
	rm -rf build adapter/dist
