#!/bin/sh
# Fuzzes the search core for a bounded time: with libFuzzer, which looks for new paths, where
# clang has it, else with bytes drawn at random. What is found ends it, with the input that did.
#
# Usage: scripts/fuzz.sh SECONDS FOLDER [SEED]      builds in FOLDER
set -eu

seconds=$1
folder=$2
seed=${3:-1}
sources="tests/fuzz/fuzz_search.c csrc/core/loop.c"
flags="-std=c11 -O1 -g -ffp-contract=off -pthread -Icsrc/include -Icsrc/core -Itests/native"
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all"
mkdir -p "$folder/corpus"

libfuzzer() {
  # shellcheck disable=SC2086
  clang $flags $sanitizers -fsanitize=fuzzer -DLIBFUZZER $sources -lm -o "$folder/libfuzzer" \
    2>"$folder/libfuzzer.log"
}

if libfuzzer; then
  echo "== libFuzzer, $seconds s"
  exec "$folder/libfuzzer" -max_total_time="$seconds" -max_len=400 -seed="$seed" \
    -artifact_prefix="$folder/" "$folder/corpus"
fi
echo "no libFuzzer: it comes with clang; on Debian: sudo apt-get install clang libclang-rt-dev"

# shellcheck disable=SC2086
if ! ${CC:-cc} $flags $sanitizers $sources -lm -o "$folder/random" 2>"$folder/random.log"; then
  echo "no sanitizers: they come with gcc; on Fedora: sudo dnf install libasan libubsan"
  # shellcheck disable=SC2086
  ${CC:-cc} $flags $sources -lm -o "$folder/random"
fi
echo "== random bytes, $seconds s, from seed $seed"
exec "$folder/random" "$seconds" "$seed"
