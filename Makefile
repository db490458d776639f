# つなぐ (Tsunagu). `make demo` と `make test` に要るのは python3（3.11 以上）と make だけ。ほかは各ターゲットが自分で用意する。
# `make demo` and `make test` need python3 (3.11 or later) and make; each target makes the rest by itself, in .venv.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
LOCK := requirements.lock
UV := $(shell command -v uv 2>/dev/null)
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do $$p $(NEW_ENOUGH) && { echo $$p; break; }; done)
WORKERS ?= 2
ARGS ?=

# The stamp names the folder it was made in: a checkout that was moved makes its .venv anew.
$(shell [ ! -e $(STAMP) ] || [ "$$(cat $(STAMP))" = "$(CURDIR)" ] || rm -rf $(VENV))

.DEFAULT_GOAL := help
.PHONY: help install demo story serve test check format lint types imports unit coverage oracle bench bench-quick mutants faults clients lock clean

define behind
@test -e $(1) || { printf '%s\n' "make $@ に当たるものはまだありません（$(1)）。" "There is nothing behind 'make $@' yet ($(1))." >&2; exit 1; }
endef

help: ## このリスト / this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1:/p' Makefile | while IFS=: read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

install: $(STAMP) ## .venv を用意する（何度でも可）/ make .venv (as often as you like)

demo: $(STAMP) ## デモを始める（サーバー不要）/ start the demo (no server needed)
	$(call behind,hub/cli/main.py)
	@$(BIN)/tsunagu demo $(ARGS)

story: $(STAMP) ## 物語を新しいハブで一通り演じる / play the story against a fresh hub
	$(call behind,hub/cli/main.py)
	@$(BIN)/tsunagu demo --story $(ARGS)

serve: $(STAMP) ## ハブを動かす（設定は deploy/env.example）/ run the hub (settings: deploy/env.example)
	$(call behind,hub/cli/main.py)
	@$(BIN)/tsunagu serve $(ARGS)

test: $(STAMP) ## すべての試験。ハブの試験は PostgreSQL の上でも / the whole suite, that of the hub on PostgreSQL too
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --postgres tests/hub $(ARGS)

check: format lint types imports unit ## 形・規約・型・層・単体試験 / format, lint, types, layers, unit tests

format: $(STAMP)
	@$(BIN)/ruff format --check .

lint: $(STAMP)
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports

unit: $(STAMP)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m 'not browser and not oracle' --ignore=tests/flows $(ARGS)

coverage: $(STAMP) ## consent/ のすべての枝が試験で通るか / is every branch of consent/ taken by a test
	@$(BIN)/python -m pytest tests/consent --cov=consent --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 $(ARGS)

oracle: $(STAMP) ## ハブの出力を HAPI で判定する（Java 17・Maven）/ judge what the hub gives out by HAPI (Java 17, Maven)
	@$(BIN)/python -m pytest -m oracle $(ARGS)

bench: $(STAMP) ## 速さを測る / measure speed
	$(call behind,tests/bench/__main__.py)
	@$(BIN)/python -m tests.bench $(ARGS)

bench-quick: $(STAMP) ## 同じ表を約 2 分で / the same table in about 2 min
	$(call behind,tests/bench/__main__.py)
	@$(BIN)/python -m tests.bench --quick $(ARGS)

faults: $(STAMP) ## 障害の試験 / tests of failures
	$(call behind,tests/faults/__main__.py)
	@$(BIN)/python -m tests.faults $(ARGS)

mutants: $(STAMP) ## 同意・門・証明に植えた誤りを、試験が見つけるか / whether the tests find faults planted in consent, gate and proofs
	$(call behind,tests/mutants/__main__.py)
	@$(BIN)/python -m tests.mutants $(ARGS)

clients: $(STAMP) ## 既存クライアントとの試験 / tests with clients that exist
	$(call behind,tests/clients/__main__.py)
	@$(BIN)/python -m tests.clients $(ARGS)

# ── .venv ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

$(STAMP): $(LOCK) pyproject.toml
	@echo "$(VENV) を用意しています… / preparing $(VENV) …" >&2
ifneq ($(UV),)
	@$(BIN)/python $(NEW_ENOUGH) || "$(UV)" venv -q --clear --python '>=3.11' $(VENV)
	@"$(UV)" pip install -q --python $(BIN)/python --require-hashes -r $(LOCK)
	@PYTHONWARNINGS=ignore "$(UV)" pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@[ -n "$(PYTHON)" ] && $(PYTHON) $(NEW_ENOUGH) || { printf '%s\n' \
		"Python 3.11 以上が要ります（$(or $(PYTHON),python3): $$($(or $(PYTHON),python3) --version 2>&1 || true)）。入れたあと make PYTHON=python3.12 … のように指せます。" \
		"Python 3.11 or later is needed; name it with make PYTHON=python3.12 … if it is not called python3." >&2; exit 1; }
	@{ $(BIN)/python $(NEW_ENOUGH) && $(BIN)/python -m pip --version >/dev/null 2>&1; } || $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
		printf '%s\n' "venv を作れません。Debian・Ubuntu では python3-venv を入れてください。" "No venv: on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@printf '%s' "$(CURDIR)" > $(STAMP)

# Exact versions with the digest of every published file, for every platform, without the host they came from.
# `make lock UPGRADE=--upgrade` は新しい版を取り入れる / takes newer versions.
LOCK_UV := $(or $(UV),build/lock/bin/uv)
COMPILE = $(LOCK_UV) pip compile -q $(UPGRADE) pyproject.toml - --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
BUILD_WITH := setuptools>=77

lock: $(LOCK_UV) ## 版の固定を作り直す / make the lock files anew
	@echo '$(BUILD_WITH)' | $(COMPILE) --extra dev -o $(LOCK)
	@echo '$(BUILD_WITH)' | $(COMPILE) -c $(LOCK) -o deploy/$(LOCK)

build/lock/bin/uv:
	@$(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install -q --disable-pip-version-check uv

clean: ## 作ったものを消す / remove what was made
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
