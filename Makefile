# Every target makes what it needs; a machine with Python 3.11+ and pip will do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# a process for each core, four at most, since tests start processes of their own; one that has nothing left takes over
# from another. WORKERS=0 is without, for a debugger.
WORKERS ?= logical
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist worksteal

.PHONY: setup fmt check test slow exhaustive frameworks tensorflow trackers inspections schema-dump bench bench-search bench-trackers docs demo lowest release-check vendor vendor-check clean clean-cache

setup: $(VENV)/.ready

# pip 25.1 is the first that knows dependency groups
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

fmt: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(PYTEST) -m "not slow"

# at the end the properties again, from more examples
slow: setup
	$(PYTEST) -m "slow and not exhaustive"
	$(PYTEST) -m "hypothesis and not slow" --hypothesis-profile thorough tests/property tests/nn tests/diagnosis tests/surrogate

# more cases of what other tests try a sample of, some with frameworks: minutes, by hand
exhaustive: setup
	$(BIN)/python -m pip install --quiet --no-compile --group frameworks
	$(PYTEST) -m exhaustive

# most of their modules are never imported, and to compile them all takes a minute
frameworks: setup
	$(BIN)/python -m pip install --quiet --no-compile --group frameworks
	$(PYTEST) --dist loadfile -m "not exhaustive" tests/nn/test_frameworks.py tests/runners/test_ray.py tests/runners/test_loggers.py tests/checkpoint/test_keras.py tests/display/test_notebook.py tests/docs/test_docstrings.py tests/adapters tests/watching tests/diagnosis/test_generator.py tests/diagnosis/test_readers.py tests/scripts/test_programs.py
	$(PYTEST) tests/inspection/test_pytorch.py
	$(PYTEST) tests/bridges/test_contract.py -k tensorboard
	$(PYTEST) -m "not slow" tests/inspection/test_jax.py tests/inspection/test_learnable.py

# an environment of its own, which is large: Keras on TensorFlow, and loops of its own
tensorflow: .venv-tensorflow/.ready
	KERAS_BACKEND=tensorflow .venv-tensorflow/bin/python -m pytest tests/adapters/test_tensorflow.py tests/adapters/test_keras.py tests/watching/test_watching_keras.py tests/checkpoint/test_tensorflow.py tests/checkpoint/test_keras.py

.venv-tensorflow/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-tensorflow
	.venv-tensorflow/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-tensorflow/bin/python -m pip install --quiet --no-compile --editable . pytest hypothesis --group tensorflow
	touch $@

# the trackers themselves, each with its own store or server: two minutes, and a large environment of its own
trackers: .venv-trackers/.ready
	.venv-trackers/bin/python -m pytest tests/bridges

bench-trackers: .venv-trackers/.ready
	.venv-trackers/bin/python benchmarks/cost/bridges.py

.venv-trackers/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-trackers
	.venv-trackers/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-trackers/bin/python -m pip install --quiet --editable . pytest hypothesis --group trackers
	touch $@

# the site, in English and Chinese: site/index.html opens from the folder, with search, and needs no network
docs: $(VENV)/.docs
	$(BIN)/python tools/site/build.py --out site

$(VENV)/.docs: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --no-compile --group docs
	touch $@

# a hundred and seventy small trainings in Keras, each compiled: too long for each change
inspections: setup
	$(BIN)/python -m pip install --quiet --group frameworks
	$(BIN)/python -m pytest tests/inspection

# the parts of others' libraries that pages have in them; nobody else needs node
vendor: web/node_modules/.ready
	cd web && npm run --silent vendor

vendor-check: vendor
	git diff --exit-code -- src/tunewell/figures/static/vendor src/tunewell/web/static/vendor

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --silent
	touch $@

# after a migration was added: what the tests know its schema by
schema-dump: setup
	$(BIN)/python tests/stores/dump_schema.py

bench: setup
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benchmarks/cost/overhead.py
	$(BIN)/python benchmarks/cost/imports.py
	$(BIN)/python benchmarks/cost/watch.py
	$(BIN)/python benchmarks/cost/parallel.py
	$(BIN)/python benchmarks/cost/large_study.py
	$(BIN)/python benchmarks/cost/speedup.py
	$(BIN)/python benchmarks/cost/ray_trials.py
	$(BIN)/python benchmarks/cost/figures.py
	$(BIN)/python benchmarks/web/server.py
	$(BIN)/python benchmarks/web/browser.py
	$(BIN)/python benchmarks/search/real_training.py
	$(BIN)/python benchmarks/search/finish.py
	$(BIN)/python benchmarks/search/demo.py
	$(BIN)/python benchmarks/search/grid_against_random.py
	$(BIN)/python benchmarks/search/crashes.py
	$(BIN)/python benchmarks/search/scale.py
	$(BIN)/python benchmarks/search/several_metrics.py
	$(BIN)/python benchmarks/training/network.py
	$(BIN)/python benchmarks/training/batchnorm.py
	$(BIN)/python benchmarks/training/estimators.py
	$(BIN)/python benchmarks/training/sklearn_search.py
	$(BIN)/python benchmarks/frameworks/compare.py
	$(BIN)/python benchmarks/stuck/rescue.py
	$(BIN)/python benchmarks/stuck/probe.py
	$(BIN)/python benchmarks/stuck/babysit.py
	$(BIN)/python benchmarks/scripts/score.py

# an environment of its own with the core install alone, as a user's would be
demo: .venv-demo/.ready
	.venv-demo/bin/tunewell demo

.venv-demo/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --editable .
	touch $@

# the oldest versions that pyproject.toml allows, which only uv knows how to find; by hand, and before a release
lowest: .venv-lowest/.ready
	.venv-lowest/bin/python -m pytest -m "not slow" tests/space tests/schedulers tests/surrogate tests/contract tests/study tests/nn tests/cli/test_registry.py

.venv-lowest/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable .
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python pytest hypothesis
	touch $@

# before a tag: what is published is small, typed, and the same to the byte if it is built again
release-check:
	PYTHON=$(PYTHON) .ci/release-check

# LCBENCH is the folder of the surrogate: see benchmarks/search/lcbench/README.md. Runs that .lcbench holds are not done again.
bench-search: .venv-peers/.ready
	.venv-peers/bin/python benchmarks/search/lcbench/run.py --data '$(LCBENCH)' --processes 2
	.venv-peers/bin/python benchmarks/search/lcbench/run.py --data '$(LCBENCH)' --processes 2 --workers 8
	.venv-peers/bin/python benchmarks/search/lcbench/transfer.py --data '$(LCBENCH)' --processes 2
	.venv-peers/bin/python benchmarks/search/lcbench/misleading.py --data '$(LCBENCH)' --processes 2
	.venv-peers/bin/python benchmarks/search/lcbench/stopping.py --data '$(LCBENCH)' --processes 2
	.venv-peers/bin/python benchmarks/search/lcbench/report.py --markdown benchmarks/search/lcbench/TABLES.md --figure docs/figures/search.svg
	.venv-peers/bin/python benchmarks/search/lcbench/decisions.py --data '$(LCBENCH)'
	.venv-peers/bin/python benchmarks/search/replay/error.py
	.venv-peers/bin/python benchmarks/search/replay/first_training.py --lcbench '$(LCBENCH)'
	.venv-peers/bin/python benchmarks/search/replay/run.py --processes 2

# an environment of their own: what they need would replace packages that development uses
.venv-peers/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-peers/bin/python -m pip install --quiet --editable . --group bench --group peers
	touch $@

# compiled loops, which Numba does not compile anew when what they call has changed
clean-cache:
	rm -f src/tunewell/nn/__pycache__/*.nbc src/tunewell/nn/__pycache__/*.nbi

clean: clean-cache
	rm -rf build site $(VENV) .venv-demo .venv-peers .venv-tensorflow .venv-trackers .venv-lowest
