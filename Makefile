# What a developer runs. Nothing here is needed to build or test the program: `go build ./...` and
# `go test ./...` do that with Go alone.

GO        ?= go
FUZZTIME  ?= 10s
BENCH     ?= .
LINT      = $(GO) tool -modfile=tools/go.mod golangci-lint
VULN      = $(GO) tool -modfile=tools/go.mod govulncheck

.PHONY: build test lint fuzz bench bench-check bench-costs bench-estate check format vuln cross profile bench-peers bench-kafka kafka kafka-down
.PHONY: nightly-log nightly-receiver nightly-estate nightly-soak nightly-kafka

build: ## the program, as ./vswarden
	$(GO) build -trimpath -o vswarden ./cmd/vswarden

test: ## everything, with the race detector
	$(GO) test -race ./...

lint: ## vet and the pinned linters (the first time builds them)
	$(GO) vet ./...
	$(LINT) run ./...

format: ## gofumpt over the tree
	$(LINT) fmt ./...

fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

# The benchmarks of docs/performance.md, as its table: the fastest of ten runs each.
bench:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 100ms -count 10 ./event ./decode ./spool ./receiver ./pipeline | tee /dev/stderr | $(GO) run ./test/benchtable

# vswarden beside rsyslog, syslog-ng and bare loops, on this machine (Debian, as root): ROUNDS interleaved rounds
# of N lines, only ROWS such as tcp8 or rsyslog/udp, one JSON object a run in OUT, the table at the end.
N    ?= 1000000
ROWS ?=
OUT  ?= bench-peers.json
bench-peers: ROUNDS = 5
bench-peers:
	tools=$$(test/peers/setup.sh | tail -n 1) && $(GO) run ./test/peers -tools "$$tools" -rounds $(ROUNDS) -n $(N) -rows '$(ROWS)' -out '$(OUT)'

# What `go build` is told of where the time goes: the program under load, and the packing of Kafka's batches. To be
# renewed after changes of what every line passes, on a machine with nothing else to do.
profile: ## cmd/vswarden/default.pgo
	rm -rf .profile && mkdir .profile
	$(GO) run ./test/peers -rounds 1 -n 4000000 -profiles .profile -out .profile/rows.json -rows vswarden/tcp8,vswarden-full/tcp8,vswarden/tls8,vswarden/udp200k
	$(GO) test -run '^$$' -bench 'Batch|Produce' -cpuprofile .profile/kafka.pprof -o .profile/kafka.test ./kafka
	$(GO) tool pprof -proto .profile/*.pprof > cmd/vswarden/default.pgo

# vswarden, rsyslog's omkafka and syslog-ng's kafka-c into one broker, the same lines in the same rounds:
# events per CPU-second and their ratios.
bench-kafka: ROUNDS = 5
bench-kafka:
	KAFKA_PEERS=1 KAFKA_PEERS_N=$(N) ROUNDS=$(ROUNDS) $(GO) test -count 1 -timeout 60m -v -run 'KafkaPeers$$' ./test

# What CI compares: multiples of BenchmarkFloorParse, and allocations.
bench-check:
	.ci/bench

bench-costs: ## instructions and allocations of an event, against bench/costs.txt
	.ci/costs

cross: ## the systems it must compile for
	.ci/cross

vuln: ## known vulnerabilities in what we call
	$(VULN) ./...

check: ## what CI runs
	.ci/run

# Longer runs of what CI runs briefly; each ends by itself and prints its seed. SEED repeats a run,
# or goes on from where one ended.
SEED       ?= 0
POINTS     ?= 100000
KILLS      ?= 1000
ROUNDS     ?= 200
HOSTILE    ?= 30m
SOAK       ?= 1h
seed_of     = $(if $(filter-out 0,$(SEED)),$(1)=$(SEED))

nightly-log: ## crash points, kills and randomized faults of the record log
	$(GO) test -v -timeout 0 ./spool -run 'TestCrashPoints|TestModel' -crash.points=$(POINTS) -crash.seed=$(SEED) -model.seed=$(SEED)
	KILLS=$(KILLS) $(call seed_of,KILL_SEED) $(GO) test -v -timeout 0 ./test -run 'TestKilledUnderLoad'
	CHAOS_ROUNDS=$(ROUNDS) $(call seed_of,CHAOS_SEED) $(GO) test -v -timeout 0 ./test -run TestChaos

nightly-receiver: ## all hostile senders at once
	$(GO) test -v -timeout 0 ./receiver -run TestHostile -hostile.for=$(HOSTILE)

SEEDS      ?= 20
nightly-estate: ## joins against the truth of SEEDS simulated estates; SEED is the first, so that a run can be gone on with
	ESTATE_SEEDS=$(SEEDS) ESTATE_FROM=$(SEED) $(GO) test -count 1 -v -timeout 0 ./test -run TestEstateNightly

bench-estate: ## what 10 000 machines cost: in the inventory, from a snapshot, behind a vCenter
	$(GO) test -count 1 -v ./inventory -run 'TestScaleHeap|TestDeltaCost'
	ESTATE_SCALE=1 $(GO) test -count 1 -v -timeout 30m ./test -run TestEstateScale

nightly-soak: ## SOAK at 50 000 lines/s: memory flat, books balanced
	$(GO) run ./test/peers -soak $(SOAK)

nightly-kafka:
	$(GO) test -race -count 20 -timeout 60m ./kafka ./sink/kafka ./topic
	KAFKA_NIGHTLY=1 $(GO) test -count 1 -timeout 120m -v -run Kafka ./test
	.ci/fuzz 5m ./kafka

# A real Apache Kafka on loopback, in the background: scripts/kafka/kafka says more.
KAFKA_PORT  ?= 9092
KAFKA_NODES ?= 1
KAFKA_DATA  ?= .tools/kafka-data

kafka: ## a broker on KAFKA_PORT with its data in KAFKA_DATA; returns when it is ready
	@KAFKA_PORT=$(KAFKA_PORT) KAFKA_NODES=$(KAFKA_NODES) KAFKA_DATA=$(KAFKA_DATA) scripts/kafka/kafka up

kafka-down: ## stops what `make kafka` started in KAFKA_DATA
	@KAFKA_DATA=$(KAFKA_DATA) scripts/kafka/kafka down
