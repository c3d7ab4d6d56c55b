# The only door. `make` prints what there is.
.DEFAULT_GOAL := help
.PHONY: help run dev status test long check lint fix types schema seed stop bench clean test-compose

# Compiled modules are kept: compiling them anew costs every process two seconds.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PYTHON_PARTS := shared-config django-rest fastapi-sse tools benchmarks tests-integration

help:  ## what there is
	@echo "Chairside: live appointments for clinics"
	@echo
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make test ONLY=pure|unit|integration, ARGS='…' for pytest; make seed ARGS='--reset'"
	@echo "  make bench ONLY=rest|stream|latency|drain|faults|kill, ARGS='…' for it"

run: setup  ## set up, start everything, print addresses and demo sign-ins; Ctrl-C stops it
	@$(BIN)/python tools/run_stack.py run

dev: setup  ## the same with debug on; a change of a file restarts the services concerned
	@$(BIN)/python tools/run_stack.py dev

status: setup  ## whether what runs is well, and REST, stream and database show the same rows; exit 1 if not
	@$(BIN)/python tools/run_stack.py status $(ARGS)

test: setup  ## every test, on a throw-away database server
	@tools/test "$(ONLY)" $(ARGS)

long: setup  ## the long runs (failover, backup, gateway, fuzz, memory); BRIEF=1 shortens them
	@tools/long "$(ONLY)" $(ARGS)

check: lint types  ## format, lint, import contracts, types, migrations, OpenAPI files, words
	@tools/check

lint: setup  ## ruff and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYTHONPATH=shared-config:django-rest:fastapi-sse $(BIN)/lint-imports

fix: setup  ## format, and repair what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: setup  ## mypy, strict
	@tools/types

schema: setup  ## write the OpenAPI files anew
	@tools/schema django-rest/openapi.yaml fastapi-sse/openapi.json

seed: setup  ## fill the demo clinic (again: ARGS=--reset)
	@$(BIN)/python tools/run_stack.py seed $(ARGS)

stop: setup  ## end what `make run` left or runs elsewhere
	@$(BIN)/python tools/run_stack.py stop

bench: setup  ## what the REST API, the stream and the worker cost: benchmarks/README.md
	@tools/bench "$(ONLY)" $(ARGS)

clean:  ## remove all that was made, the private database too; shared-config/.env stays
	@if [ -x $(BIN)/python ]; then $(BIN)/python tools/run_stack.py stop; fi
	rm -rf var .venv django-rest/staticfiles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

test-compose: setup  ## the integration tests against the containers
	@tools/test_compose $(ARGS)

.PHONY: setup
setup:
	@tools/setup
