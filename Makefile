# `make run` and `make test` are all a fresh machine needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Settings for checks that need a configuration but no secrets of anybody.
THROWAWAY := SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(60))')
PRODUCTION := env $(THROWAWAY) DJANGO_ENV=production DATABASE_URL=postgres://app@localhost/app \
	ALLOWED_HOSTS=crm.example.com SUPABASE_JWT_SECRET=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(40))') \
	SUPABASE_JWT_ISSUER=https://project.supabase.co/auth/v1 GOOGLE_API_ROOT_URL=https://www.googleapis.com/

.PHONY: help run test test-sqlite test-postgres check bench goals crashes chaos fmt messages schema client fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# Debian ships Python without venv; install it where we may, else say what to do.
.venv/bin/python:
	@if ! $(PYTHON) -m venv .venv >/dev/null 2>&1; then \
	  rm -rf .venv; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing python3-venv …"; \
	    apt-get update -qq && apt-get install -y -qq python3-venv; \
	    $(PYTHON) -m venv .venv; \
	  else echo "Python's venv is missing. Run: sudo apt-get install python3-venv" >&2; exit 1; fi; \
	fi

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing what PipeDesk needs …"
	@$(VENV)/pip install --quiet -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing what the tests need …"
	@$(VENV)/pip install --quiet -r requirements-dev.txt
	@touch .venv/installed $@

.env:
	@$(PYTHON) pipedesk/first_start.py

run: .venv/installed .env ## the whole product in one terminal: web, workers, local Google
	@exec $(VENV)/python manage.py run

test: .venv/installed-dev ## the whole test suite, on SQLite and on PostgreSQL
	@bash .ci/install-test-tools
	@$(MAKE) --no-print-directory test-sqlite test-postgres

PYTEST := $(VENV)/python -m pytest -q
FAST := -n 2 --dist loadfile -m "not e2e and not browser"
REAL := -p no:randomly -m "e2e or browser"

test-sqlite: .venv/installed-dev ## the tests on SQLite
	@echo "== SQLite"
	TEST_DATABASE=sqlite $(PYTEST) $(FAST)
	TEST_DATABASE=sqlite $(PYTEST) $(REAL)

test-postgres: .venv/installed-dev ## the tests on a PostgreSQL of their own
	@if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
	  echo "== PostgreSQL"; set -x; \
	  TEST_DATABASE=postgres $(PYTEST) $(FAST); \
	  TEST_DATABASE=postgres $(PYTEST) $(REAL); \
	else echo "SKIPPED: PostgreSQL part, no server is installed (Debian: apt-get install postgresql)"; fi

check: .venv/installed-dev ## lint, types, import contracts, migrations, deploy checks
	$(VENV)/ruff check .
	$(VENV)/ruff format --check --quiet .
	env $(THROWAWAY) $(VENV)/mypy
	$(VENV)/lint-imports --no-cache --no-logo
	env $(THROWAWAY) $(VENV)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(VENV)/python manage.py check --deploy --fail-level WARNING

bench: .venv/installed-dev ## how fast, against its limits; ONLY="calendar worklist", FULL=1
	$(VENV)/python -m tests.bench $(ONLY) $(if $(FULL),--full)

RUNS ?= 1
goals: .venv/installed-dev ## the goals of reliability, G1 to G12, two hours; RUNS=3; one alone: make goal-G7
	$(VENV)/python -m tests.goals --runs $(RUNS)

goal-%: .venv/installed-dev
	$(VENV)/python -m tests.goals $* --runs $(RUNS)

DATABASE ?= sqlite
EVERY ?= 1
crashes: .venv/installed-dev ## death at every step of eight scenarios, half an hour and more; EVERY=7 DATABASE=postgres
	CRASHES=$(EVERY) TEST_DATABASE=$(DATABASE) $(PYTEST) -s -p no:randomly tests/crashes 2>/dev/null

SEEDS ?= 1
SECONDS_OF_FAULTS ?= 60
chaos: .venv/installed-dev ## all processes killed at random, then all compared; SEEDS="1 2 3"
	$(VENV)/python -m tests.chaos --seed $(SEEDS) --seconds $(SECONDS_OF_FAULTS)

fmt: .venv/installed-dev ## format and sort
	$(VENV)/ruff check --fix --quiet . || true
	$(VENV)/ruff format --quiet .

messages: .venv/installed-dev ## collect and compile the translations (needs gettext)
	env $(THROWAWAY) $(VENV)/python manage.py makemessages --locale pt_BR --no-location --no-wrap --no-obsolete \
	  --ignore .venv --ignore "tests/*" --ignore "var/*" --ignore "staticfiles/*"
	env $(THROWAWAY) $(VENV)/python manage.py compilemessages --locale pt_BR --ignore .venv

DESCRIBE := env $(THROWAWAY) DJANGO_SETTINGS_MODULE=pipedesk.settings $(VENV)/python -m tests.api.write

schema: .venv/installed-dev ## docs/openapi.json from the code; RELEASE=1: also what later changes must not break
	$(DESCRIBE) $(if $(RELEASE),--release)

client: .venv/installed-dev ## the TypeScript client in tests/client (needs node and npm)
	$(DESCRIBE)
	cd tests/client && npm ci --silent && npm run --silent generate && npm run --silent check

EXAMPLES ?= 50
fuzz: .venv/installed-dev ## the running server asked whatever its schema allows, as every role; EXAMPLES=50
	TEST_DATABASE=postgres $(VENV)/python -m tests.api.fuzz --examples $(EXAMPLES)

clean: ## remove the virtual environment and caches; the database stays
	rm -rf .venv tests/client/node_modules tests/client/built .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
