# Needs GNU make and Python 3.11 or newer; everything else goes into $(VENV).
#   make demo    make test    make help

VENV ?= .venv
BIN := $(VENV)/bin

# The first Python on the path that is new enough; `make PYTHON=...` chooses another.
MINIMUM := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
ifndef PYTHON
PYTHON = $(shell for python in $(CANDIDATES); do \
	$$python -c '$(MINIMUM)' >/dev/null 2>&1 && echo $$python && break; done)
endif

# Reinstalled when one of these changes; Python files are read where they lie.
BUILD_INPUTS := pyproject.toml $(wildcard skrnn/core/kernels/*.[ch]pp skrnn/core/kernels/CMakeLists.txt)

# Two processes with one BLAS thread each beat one process with two on tests this small.
TEST_PROCESSES ?= 2
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help demo test sanitize kernels doctest lint format typecheck docs notebook benchmarks accuracy ci clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-plot ## train on real sequences, print scores, save plots to docs/examples/output
	MPLBACKEND=Agg $(BIN)/python docs/examples/demo.py

test: $(VENV)/.installed-plot,test ## run the whole test suite
	$(ONE_THREAD) $(BIN)/pytest -n $(TEST_PROCESSES)

# Python is not built with the sanitizers, so their libraries come before all others.
SANITIZED := build/sanitize
SANITIZER_LIBRARIES = $(shell for library in libasan.so libubsan.so libstdc++.so; do \
	$(CXX) -print-file-name=$$library; done)
SANITIZE = env LD_PRELOAD="$(SANITIZER_LIBRARIES)" ASAN_OPTIONS=detect_leaks=0 OMP_NUM_THREADS=2 \
	PYTHONPATH=$(SANITIZED)/site:tests/tables PYTHONSAFEPATH=1
FUZZ_CASES ?= 2000
# The finder of the editable install would find the kernels beside their sources first.
WITHOUT_EDITABLE := import sys; sys.meta_path[:] = [finder for finder in sys.meta_path \
	if type(finder).__name__ != "ScikitBuildRedirectingFinder"]
CHECK_SANITIZED := from skrnn.core.kernels import _kernels as k; print(k.__file__); \
	assert "$(SANITIZED)" in k.__file__, "the sanitized kernels are not those that run"

sanitize: $(VENV)/.installed-test ## run the kernels under AddressSanitizer and UBSan, on random layers too
	$(BIN)/python -m pip install --quiet cmake ninja nanobind
	PATH="$(abspath $(BIN)):$$PATH" cmake -S skrnn/core/kernels -B $(SANITIZED) -G Ninja \
		-DSKRNN_SANITIZE=ON -DPython_EXECUTABLE="$(abspath $(BIN))/python"
	$(BIN)/cmake --build $(SANITIZED)
	mkdir -p $(SANITIZED)/site
	cp -R skrnn $(SANITIZED)/site
	$(BIN)/cmake --install $(SANITIZED) --prefix $(SANITIZED)/site
	echo '$(WITHOUT_EDITABLE)' > $(SANITIZED)/site/sitecustomize.py
	$(SANITIZE) $(BIN)/python -c '$(CHECK_SANITIZED)'
	$(SANITIZE) $(BIN)/python tests/tables/fuzz_kernels.py $(FUZZ_CASES)
	$(SANITIZE) $(BIN)/pytest tests/core/test_kernels.py

# The editable install reads the kernels in the environment, not beside their sources.
ENVIRONMENT = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

kernels: | $(BIN)/python ## compile what changed in the kernels, without installing all anew
	@test -n '$(wildcard $(VENV)/.installed-*)' || $(MAKE) '$(VENV)/.installed-test'
	$(BIN)/python -m pip install --quiet cmake ninja nanobind
	PATH="$(abspath $(BIN)):$$PATH" cmake -S skrnn/core/kernels -B build/kernels -G Ninja \
		-DPython_EXECUTABLE="$(abspath $(BIN))/python"
	$(BIN)/cmake --build build/kernels
	$(BIN)/cmake --install build/kernels --prefix '$(ENVIRONMENT)'
	@touch $(wildcard $(VENV)/.installed-*)

# Copies of the pages, in which every block of Python is a doctest.
PAGES := docs/_build/pages

doctest: $(VENV)/.installed-plot,test ## run every example in the docstrings and the documentation
	rm -rf $(PAGES)
	$(BIN)/python tests/tables/doc_pages.py $(PAGES)
	$(ONE_THREAD) $(BIN)/pytest --doctest-modules --doctest-glob='*.md' --pyargs skrnn $(PAGES)

lint: $(VENV)/.installed-dev ## check style, formatting, spelling and the habits of the field
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/repo-review .

format: $(VENV)/.installed-dev ## fix style and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# pyright finds the packages of the Python that is first on the path.
PYRIGHT = PYTHONPATH="$(CURDIR)" PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright

typecheck: $(VENV)/.installed-dev ## check the types, of every public name and as a user's program sees them
	$(BIN)/mypy
	$(BIN)/mypy --config-file= --strict --follow-imports=silent --ignore-missing-imports tests/typing
	$(PYRIGHT) tests/typing
	$(PYRIGHT) --verifytypes skrnn --ignoreexternal

docs: $(VENV)/.installed-docs ## run the gallery, build the documentation into docs/_build and check its links
	$(ONE_THREAD) $(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/check_links.py docs/_build/html

notebook: docs ## run the notebook of the first steps from top to bottom
	$(ONE_THREAD) $(BIN)/pytest --nbmake --nbmake-timeout=600 docs/gallery/first_steps/plot_getting_started.ipynb

# Turn by turn in one process each; half an hour on a machine with nothing else to do.
BENCHMARK := $(BIN)/python docs/benchmarks
RESULTS := --results docs/benchmarks/results

benchmarks: $(VENV)/.installed-bench ## measure speed and weight, write docs/benchmarks/results
	$(BENCHMARK)/bench_layers.py $(RESULTS)
	$(BENCHMARK)/bench_layers.py --dtype float64 $(RESULTS)
	$(BENCHMARK)/bench_layers.py --ragged $(RESULTS)
	$(BENCHMARK)/bench_fit.py $(RESULTS)
	$(BENCHMARK)/bench_predict.py $(RESULTS)
	$(BENCHMARK)/bench_streaming.py $(RESULTS)
	$(BENCHMARK)/bench_c.py $(RESULTS)
	$(BENCHMARK)/bench_skewed.py $(RESULTS)
	$(BENCHMARK)/bench_scaling.py $(RESULTS)
	$(BENCHMARK)/bench_preprocessing.py $(RESULTS)
	$(BENCHMARK)/bench_footprint.py $(RESULTS)
	$(BENCHMARK)/profile_fit.py $(RESULTS)

accuracy: $(VENV)/.installed-bench,ecosystem ## measure what is reached with nothing set, on real data sets too; takes hours
	$(BENCHMARK)/accuracy.py --early-stopping --search $(RESULTS)
	$(BENCHMARK)/long_lags.py $(RESULTS)

ci: ## everything a change has to pass, in fresh environments
	.ci/run

clean: ## remove the environment, builds and caches
	rm -rf $(VENV) build dist docs/_build docs/examples/output docs/gallery docs/api/_examples
	rm -rf .pytest_cache .mypy_cache .ruff_cache
	find skrnn tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

# A line for every package, and for the kernels, in place of all that pip has to say; its errors stay.
PROGRESS = /^Collecting / { print "  " $$2; fflush() } \
	/ Building editable/ { print "  compiling the kernels ..."; fflush() } \
	/^Installing collected/ { print "  installing ..."; fflush() }

# $(VENV)/.installed-EXTRAS: skrnn, editable, with these extras.
$(VENV)/.installed-%: $(BUILD_INPUTS) | $(BIN)/python
	@echo 'Installing skrnn[$*] into $(VENV), which takes a minute or two:'
	@rm -f '$@.failed'
	@{ $(BIN)/python -m pip install --editable '.[$*]' || touch '$@.failed'; } | awk '$(PROGRESS)'
	@test ! -e '$@.failed' || { rm '$@.failed'; exit 1; }
	@touch '$@'

$(BIN)/python:
	@test -n '$(PYTHON)' || { \
		echo 'skrnn needs Python 3.11 or newer and found none on the path;' \
			'name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c '$(MINIMUM)' || { \
		echo "skrnn needs Python 3.11 or newer, got $$($(PYTHON) --version 2>&1) from" \
			'$(PYTHON); name a newer one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
