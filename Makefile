# Every command. `make` prints them.
.DEFAULT_GOAL := help
.PHONY: help run dev status test long check lint fix types schema docs seed stop bench screenshots clean test-compose

# Compiled modules are kept: compiling them anew costs every process two seconds.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PYTHON_PARTS := shared-config django-rest fastapi-sse testkit tools benchmarks tests-integration

help:  ## this list
	@echo "Chairside: live appointments for clinics"
	@echo
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make test ONLY=pure|unit|integration, ARGS='…' for pytest; make seed ARGS='--reset'"
	@echo "  make bench ONLY=rest|stream|latency|drain|pages|booking|growth, ARGS='…' for it"

run: setup  ## set up, start everything, print addresses and demo sign-ins; Ctrl-C stops it
	@$(BIN)/python -m tools.run_stack run

dev: setup  ## the same with debug on; a change of a file restarts the services concerned
	@$(BIN)/python -m tools.run_stack dev

status: setup  ## check all that runs, and that REST, stream and database show the same rows; exit 1 if not
	@$(BIN)/python -m tools.run_stack status $(ARGS)

test: setup  ## every test, on a throw-away database server
	@tools/test "$(ONLY)" $(ARGS)

long: setup  ## the long runs (failover, backup, gateway, killed workers, faults, fuzz); BRIEF=1 shortens them
	@tools/long "$(ONLY)" $(ARGS)

check: lint types scripts docs  ## format, lint, import contracts, types, scripts, migrations, OpenAPI files, words, documentation
	@tools/check

lint: setup  ## ruff and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

fix: setup  ## format, and let ruff repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: setup  ## mypy, strict
	@tools/types

.PHONY: scripts
scripts:
	@tools/scripts

schema: setup  ## write the OpenAPI files, the client's types and docs/api/chat.md anew
	@tools/schema django-rest/openapi.yaml fastapi-sse/openapi.json
	@tools/client clients/js
	@$(BIN)/python -m tools.chat_page

docs: setup  ## the documentation site, in var/docs; broken links and anchors fail
	@tools/docs

seed: setup  ## fill the demo clinic (again: ARGS=--reset)
	@$(BIN)/python -m tools.run_stack seed $(ARGS)

stop: setup  ## end a run of `make run`, also one that was left behind
	@$(BIN)/python -m tools.run_stack stop

bench: setup  ## measure the REST API, the stream, the worker and the pages: benchmarks/README.md
	@tools/bench "$(ONLY)" $(ARGS)

screenshots:  ## pictures of every page, in var/screenshots or ARGS=FOLDER
	@tools/screenshots $(ARGS)

clean:  ## remove everything that was made, the private database too; shared-config/.env stays
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tools.run_stack stop; fi
	rm -rf var .venv django-rest/staticfiles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .cache
	find . -name __pycache__ -prune -exec rm -rf {} +

test-compose: setup  ## the integration tests against the containers
	@tools/test_compose $(ARGS)

.PHONY: setup
setup:
	@tools/setup
