.DEFAULT_GOAL := help
SHELL := bash
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
# Empty, since without bytecode each start of a tool compiles its libraries again: seconds each.
export PYTHONDONTWRITEBYTECODE :=
# The hooks commit, and a commit needs an author.
AUTHOR := GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.org \
          GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.org

help:  ## Show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 15

$(BIN)/.installed: requirements.txt
	@python=$$(for p in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done); \
	  test -n "$$python" || { echo "No Python 3.11 or later was found: install one."; exit 1; }; \
	  $$python -m venv .venv
	awk '/^[a-z]/ {uv = /^uv==/} uv' requirements.txt > .venv/uv.txt
	python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	uv pip sync --quiet --require-hashes --compile-bytecode requirements.txt
	touch $@

env: $(BIN)/.installed  ## Make .venv: uv and every package that the template was tested with

demo: env  ## Make a project under build/ from the default answers, hooks and all
	@test ! -e build/churn-radar || { echo "build/churn-radar is there already, maybe with work of" \
	  "yours: move it away or remove it, then run \`make demo\` again."; exit 1; }
	$(AUTHOR) copier copy --trust --defaults --vcs-ref HEAD "$(CURDIR)" build/churn-radar

test: env lint  ## Run every test on two cores: unit, render, update, e2e
	python -m pytest -n 2 --dist loadgroup --cov

lint: env  ## Check and format-check the template's own code
	ruff check
	ruff format --check
	mypy
	codespell

bench: env  ## Time the copy and the verification beside the same tools by hand
	python tests/benchmarks/bench.py

bench-update: env  ## Time an update beside Copier's own
	python tests/benchmarks/update_time.py 3

bench-fleet: env  ## Time `make fleet` over twenty projects beside one
	python tests/benchmarks/fleet_time.py

bench-serving: env  ## Serve one model by our service and by its peers, side by side: minutes
	python tests/benchmarks/serving/bench.py

serving-memory: env  ## Look at the service's memory over 100,000 requests: minutes
	python tests/benchmarks/serving_memory.py

fuzz: env  ## Look for input that makes the service fail, elsewhere each time: minutes
	FUZZ_EXAMPLES=2000 python -m pytest -q tests/machinery/serving/test_fuzz.py

scale: env  ## Time wiring and pipeline on 10^4 to 10^6 rows: minutes
	python tests/benchmarks/scale.py

predict-scale: env  ## Time predictions of 10^5 to 10^7 rows: minutes
	python tests/benchmarks/predict.py

promotion: env  ## Time a promotion with 2,000 runs and 200 versions: minutes
	python tests/benchmarks/promote.py

tables: env  ## Wire all 14 real tables, each to a green project, six to a champion: minutes
	python tests/known_tables.py

adopt: env  ## Bring the template into a repository: PROJECT=../theirs, ANSWERS="package_name=churn_radar"
	@python hooks/upkeep adopt -- "$(or $(PROJECT),.)" $(ANSWERS)

fleet: env  ## Say where the projects in REPOS=repos.txt stand; OPEN=yes pushes clean updates, in rings
	@python hooks/upkeep fleet $(if $(OPEN),--open) -- "$(or $(REPOS),repos.txt)"

histories: env  ## Play N=500 random histories of teams through updates, ours and Copier's own: half an hour
	python tests/benchmarks/update_histories.py "$(or $(N),500)" "$(or $(SEED),1)"

image: env  ## Build a project's serve image and run it: root, buildah, debootstrap; minutes
	python -m pytest tests/image -s

upgrade: env  ## Compile requirements.txt against the newest releases
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --group dev --group generated --output-file requirements.txt

.PHONY: help env demo test lint bench bench-update bench-fleet bench-serving serving-memory fuzz scale predict-scale promotion tables adopt fleet histories image upgrade
