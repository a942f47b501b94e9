# Hem's commands. They need Python 3.11 to 3.14 and the machine's own package registry settings; all else comes from locks/.
#
# Two environments, because a lock's installation removes what another lock put there, and because running needs less than
# half of what testing does: .venv-run (locks/local.txt) for `make run`, .venv (locks/dev.txt) for everything else.
# Each is made again only when its lock, or the project file, is newer than its stamp.

PYTHON ?= python3
ARGS ?=
SERVICE ?= notifications
# `make lock UV_VERSION=…` moves the installer itself.
UV_VERSION ?= $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' locks/uv.txt)
LOCKED_EXTRAS = gateway notifications placements reporting surveys cli local

DEV = .venv/.ready
RUN = .venv-run/.ready
BIN = .venv/bin

.DEFAULT_GOAL = help
.PHONY: help run dev test test-compose quick check lint types format bench secrets lock migrations
.SILENT:

help: ## this list
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	echo
	echo "  HEM_HOME (data, default .hem), HEM_PORT (default 8000), PYTHON and ARGS can be given: make run HEM_PORT=9000"

run: $(RUN) ## start Hem on this machine and play a year of a landlord: http://127.0.0.1:8000
	.venv-run/bin/hem up --demo $(ARGS)

dev: $(DEV) ## the stack with one service that is started again at every edit: make dev SERVICE=notifications
	$(BIN)/hem dev $(SERVICE) $(ARGS)

test: $(DEV) ## the tests, on real Kafka and Postgres: make test ARGS=tests/gateway
	$(BIN)/pytest $(ARGS)

test-compose: $(DEV) ## the same system in containers: builds it, starts it, breaks it (needs a container engine)
	scripts/containers.sh
	$(BIN)/pytest tests/compose $(ARGS)

quick: $(DEV) ## the tests without kills and restarts of the whole stack: under five minutes
	$(BIN)/pytest -m "not faults" $(ARGS)

check: lint types test ## format, lint, types, import rules, tests: what CI runs, beside test-compose

lint: $(DEV) ## format, lint, import rules, Dockerfile and compose file
	$(BIN)/ruff format --quiet --check . || { echo "Run 'make format'." >&2; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

types: $(DEV) ## types, strictly
	$(BIN)/mypy

format: $(DEV) ## put the code in order
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

bench: $(DEV) ## the measurements of benchmarks/
	$(BIN)/python -m benchmarks $(ARGS)

secrets: ## the secrets that docker compose needs, made once, in deploy/secrets
	$(PYTHON) scripts/make_secrets.py $(ARGS)

# The caller's name in the header, and no index address in the file, make the locks the same wherever they are made.
lock: export UV_CUSTOM_COMPILE_COMMAND = make lock
lock: export UV_PYTHON_DOWNLOADS = never
lock: COMPILE = .venv/tool/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-annotate --no-emit-index-url --no-emit-find-links $(ARGS)
lock: ## pin every dependency: make lock ARGS=--upgrade to move them
	$(PYTHON) scripts/bootstrap.py
	$(COMPILE) pyproject.toml --extra dev -o locks/dev.txt
	for extra in $(LOCKED_EXTRAS); do \
		$(COMPILE) pyproject.toml --extra $$extra -c locks/dev.txt -o locks/$$extra.txt || exit 1; \
	done
	echo uv==$(UV_VERSION) | $(COMPILE) - --no-header -o locks/uv.txt

migrations: ## write the checksums of new migrations down; an applied file may never change
	$(PYTHON) scripts/migrations.py

$(DEV): locks/dev.txt locks/uv.txt pyproject.toml
	$(PYTHON) scripts/bootstrap.py .venv locks/dev.txt

$(RUN): locks/local.txt locks/uv.txt pyproject.toml
	$(PYTHON) scripts/bootstrap.py .venv-run locks/local.txt
