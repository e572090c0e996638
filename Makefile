# Two commands do everything: `make demo` and `make test`. Both install what is missing first (Debian's apt).
BUILD_PACKAGES = build-essential cmake ninja-build pkg-config git libhdf5-dev libgsl-dev libfyaml-dev libjansson-dev \
	libspng-dev libjpeg62-turbo-dev libwebp-dev zlib1g-dev libssl-dev libseccomp-dev
PACKAGES = $(BUILD_PACKAGES) libcmocka-dev libmpfr-dev libopenblas-dev \
	python3-h5py python3-pil python3-yaml python3-xarray python3-h5netcdf python3-pandas python3-jsonschema libxml2-utils \
	codespell dataset-fashion-mnist zsh fish mandoc jq
EXPERIMENT ?= experiments/quickgelu-vs-gelu.yaml
RESULT = results/runs/$(notdir $(basename $(EXPERIMENT))).h5

.PHONY: demo test test-all test-browser browser pictures build setup setup-build install deb test-deb exhaustive lint bench bench-pytorch stopwatch calibration ports stops mutations same-output claims claims-all fuzz fuzz-results \
	coverage clean

demo: build
	./build/release/clip-parity run $(EXPERIMENT) output=$(RESULT)
	@./build/release/clip-parity report $(RESULT)

# test: what a change must pass. test-all: what takes minutes as well (calibrations, ports of other systems, worked examples).
test: build
	cmake --build build/release
	ctest --preset short

test-all: test
	ctest --preset long

BROWSER_PACKAGES = $(if $(shell command -v chromium),,chromium) $(if $(shell command -v npm),,nodejs npm)
browser: build
	@$(MAKE) --no-print-directory setup PACKAGES="$(BROWSER_PACKAGES)"
	@mkdir -p build/browser && cd build/browser && { test -f package.json || echo '{"private": true}' > package.json; }
	@test -d build/browser/node_modules/axe-core || npm install --prefix build/browser --no-audit --no-fund --silent \
	  playwright-core@1.65.1 axe-core@4.10.3

# The report's page in headless Chromium; pictures of it go to build/browser.
test-browser: browser
	./build/release/clip-parity run --force experiments/quickgelu-vs-gelu.yaml inputs.limit=16 local=16 floor=2 \
	  output=build/browser/founding.h5 >/dev/null
	./build/release/clip-parity report build/browser/founding.h5
	./build/release/clip-parity diff --force reference/golden/captures/quick-fp32.h5 reference/golden/captures/erf-fp32.h5 \
	  --spec-b activation=quick -o build/browser/contradicted.h5 >/dev/null || test $$? = 1
	./build/release/clip-parity report build/browser/contradicted.h5
	node tests/browser/check_report.mjs build/browser build/browser/founding.html build/browser/contradicted.html

# The pictures of README and docs, of the whole experiments: some ten minutes.
PICTURES = quickgelu-vs-gelu noise-floor which-layer full-factorial
pictures: browser
	@mkdir -p build/pictures
	for name in $(PICTURES); do \
	  ./build/release/clip-parity run --force experiments/$$name.yaml output=build/pictures/$$name.h5 && \
	  ./build/release/clip-parity report build/pictures/$$name.h5 || exit; \
	done
	node tests/browser/pictures.mjs results/pictures $(PICTURES:%=build/pictures/%.html)

build: setup
	cmake --preset release
	cmake --build build/release --target clip-parity

setup:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "Installing with apt:" $$missing; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

# The program and the library, in PREFIX; tests are neither built nor is what they need installed.
PREFIX ?= /usr/local
install: setup-build
	cmake -S . -B build/install -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build build/install
	cmake --install build/install --strip

setup-build:
	@$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES)"

# Debian's packages, in build/deb: of the files that git has, as they are. test-deb installs them in a clean Debian 12 (mmdebstrap,
# as root) and runs what they hold.
deb:
	@$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES) debhelper dpkg-dev fakeroot lintian"
	rm -rf build/deb && mkdir -p build/deb/source
	git ls-files -z | xargs -0 cp --parents -t build/deb/source
	cd build/deb/source && dpkg-buildpackage -b -us -uc
	lintian --fail-on error build/deb/*.changes

test-deb:
	@$(MAKE) --no-print-directory setup PACKAGES="mmdebstrap"
	tests/package/clean_install.sh build/deb/*.deb

# All 2^32 float32 values through every conversion and every elementary function: some twenty minutes.
exhaustive: build
	cmake --build build/release --target exhaustive_number exhaustive_activation
	./build/release/tests/exhaustive_number
	./build/release/tests/exhaustive_activation

# The matrix product beside OpenBLAS over CLIP's shapes, on one thread and on two.
bench: build
	cmake --build build/release --target gemm_vs_openblas
	./build/release/tests/gemm_vs_openblas 1
	./build/release/tests/gemm_vs_openblas 2

# What a person waits for, in a terminal: some two minutes.
stopwatch: build
	/usr/bin/python3 tests/bench/stopwatch.py ./build/release/clip-parity

# A whole run beside PyTorch hooks, an h5py capture and a NumPy comparison: some minutes. Needs 2 GB for the weights
# and captures in TMPDIR.
bench-pytorch: build
	@missing=$$(for p in python3-torch libopenblas0-openmp; do dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then echo "Needs, from Debian:" $$missing; exit 1; fi
	/usr/bin/python3 tests/bench/lockstep_vs_pytorch.py --oracle

# Is the activation of both demo models ever named wrongly, as they are and perturbed in 35 ways? Some half an hour.
calibration: build
	/usr/bin/python3 tests/calibration/perturbed.py

# diff on every port with a fault that is not declared, in every precision, from one image and with the sides swapped; on one
# image in 300; on 60 faults injected into this program's own passes; on edited checkpoints; on what has no fault: this program's
# own passes, PyTorch's in fp32 and bf16, ONNX Runtime's, of the demo models and of a ViT-B/32. Some forty minutes.
PORTS_PACKAGES = python3-torch $(if $(shell command -v npm),,nodejs npm)
ports: build
	@$(MAKE) --no-print-directory setup PACKAGES="$(PORTS_PACKAGES)"
	@mkdir -p build/ports && cd build/ports && { test -f package.json || echo '{"private": true}' > package.json; }
	@test -d build/ports/node_modules/onnxruntime-node || npm install --prefix build/ports --no-audit --no-fund --silent \
	  --ignore-scripts onnxruntime-node@1.30.0
	/usr/bin/python3 tests/ports/check_ports.py build/release/clip-parity --inputs 1 --swap --full
	/usr/bin/python3 tests/ports/injected.py build/release/clip-parity
	/usr/bin/python3 tests/ports/edited_checkpoints.py --program build/release/clip-parity
	/usr/bin/python3 tests/ports/own_passes.py build/release/clip-parity --full
	/usr/bin/python3 tests/ports/eager.py build/release/clip-parity --full --node build/ports

# A hundred signals to each command at random moments: some ten minutes.
stops: build
	CP_STOPS=100 /usr/bin/python3 tests/stop/test_stop.py build/release/clip-parity

# The kernels broken on purpose, in a copy of the tree: does `clip-parity check` see it? Some ten minutes.
mutations: setup
	/usr/bin/python3 tests/mutation/mutate.py

# Did a refactoring move a bit? The same commands with the commit BEFORE and with the working tree; SAME_OUTPUT=--quick takes
# fewer inputs.
BEFORE ?= HEAD
same-output: setup
	/usr/bin/python3 tests/invariance/same_output.py $(BEFORE) --keep build/same-output $(SAME_OUTPUT)

# The figures that README and docs state, computed again; fails where one no longer holds. claims-all: also those that take long
# (10,000 images, the mutations, the calibrations, branch coverage): two hours and more.
claims: build
	/usr/bin/python3 tests/claims/claims.py

claims-all: build
	/usr/bin/python3 tests/claims/claims.py --all

# .clang-format and .clang-tidy over every source: some ten minutes.
SOURCES = $(shell git ls-files 'harness/*.[ch]' 'reference/*.[ch]' 'tests/*.[ch]')
lint: build
	@$(MAKE) --no-print-directory setup PACKAGES="$(PACKAGES) clang-format clang-tidy"
	clang-format --dry-run --Werror $(SOURCES)
	@printf '%s\n' $(filter %.c,$(SOURCES)) | xargs -P "$$(nproc)" -n 4 clang-tidy -p build/release --quiet 2>build/lint.log

# Every fuzz target for FUZZ_SECONDS, or to FUZZ_RUNS, from the committed seeds; what they find is in build/fuzz.
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?= -1
fuzz:
	@$(MAKE) --no-print-directory setup PACKAGES="$(PACKAGES) clang libclang-rt-14-dev"
	cmake --preset fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_RUNS=$(FUZZ_RUNS) cmake --build --preset fuzz --target fuzz-run

# Damaged results and captures through report, check and diff; those that fail are in build/fuzz-results.
FUZZ_MUTANTS ?= 20000
fuzz-results: build
	/usr/bin/python3 tests/fuzz/results.py build/release/clip-parity --mutants $(FUZZ_MUTANTS)

# Branches of the readers of checkpoints that their tests take: fails below 95 %.
coverage: setup
	cmake --preset coverage
	cmake --build --preset coverage --target coverage-run

clean:
	rm -rf build results/runs
