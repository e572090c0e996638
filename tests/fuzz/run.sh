#!/bin/sh
# Runs fuzz targets side by side, each for FUZZ_SECONDS or to FUZZ_RUNS, and tells how many executions each made:
#   run.sh BUILD_FOLDER TARGET...
# Their logs, corpora and findings are in the build folder. Exits non-zero, with the log, where one finds something.
set -eu
cd "$(dirname "$0")/../.." # targets read data/
BUILD=$1 FUZZ_SECONDS=${FUZZ_SECONDS:-60} FUZZ_RUNS=${FUZZ_RUNS:--1}
export BUILD FUZZ_SECONDS FUZZ_RUNS
shift
printf '%s\n' "$@" | xargs -P "$((2 * $(nproc) + 1))" -I TARGET sh -c '
  name=$(echo TARGET | sed s/^fuzz_//)
  grown=$BUILD/corpus/$name log=$BUILD/$name.log seeds=tests/fuzz/corpus/$name
  test -d "$seeds" || seeds=reference/golden/pictures # those that read pictures
  mkdir -p "$grown"
  "$BUILD/tests/TARGET" -max_total_time="$FUZZ_SECONDS" -runs="$FUZZ_RUNS" -max_len=4096 -timeout=20 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$BUILD/" -dict=tests/fuzz/pickle.dict "$grown" "$seeds" >"$log" 2>&1 ||
    { cat "$log"; exit 1; }
  echo "$name: $(grep number_of_executed "$log")"'
