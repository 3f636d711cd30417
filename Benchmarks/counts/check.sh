#!/bin/sh
# Counts the instructions that the calling thread spends per launch and per record, under callgrind, and compares them with
# thresholds.json. Counts do not depend on what else the machine does, so a rise is a change of ours.
# Builds the other benchmarks as well, so that they keep up with what they measure.
# Needs valgrind and python3; builds with HENG_BENCHMARKS=1, and otherwise as `make` does. Exit 1: a threshold is passed.
# Usage: Benchmarks/counts/check.sh        (`make counts` calls it)
set -eu
cd "$(dirname "$0")/../.."
export HENG_BENCHMARKS=1
build="swift build -c release --explicit-target-dependency-import-check error"
for product in heng-counts heng-opencl-costs benchmark-loadgen; do $build --product $product >&2; done
built=$($build --show-bin-path)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Valgrind 3.19 (Debian 12) stops at Swift's debug information; symbols are enough.
program="$folder/heng-counts"
objcopy --strip-debug "$built/heng-counts" "$program"
# A C program over the library, which is installed under its own name.
$build --product HengLibrary >&2
strip --strip-unneeded -o "$folder/libheng.so.1" "$built/libHengLibrary.so"
ln -s libheng.so.1 "$folder/libheng.so"
cc -std=c11 -O2 -Wall -Wextra -Werror -ISources/CHengAccelerator/include Benchmarks/counts/library.c \
    -o "$folder/library" -L"$folder" -lheng -Wl,-rpath,"$folder"
"$folder/library"
status=0
for name in launch launch-null record-null library-launch library-record; do
    case $name in
    library-launch) counted="$folder/library" toggle='launch_batch' ;;
    library-record) counted="$folder/library" toggle='record_batch' ;;
    *) counted=$program toggle='*submitBatch*' ;;
    esac
    # Collecting starts and stops with the function that submits, in the thread that calls it.
    valgrind --tool=callgrind --quiet --fair-sched=yes --collect-atstart=no --toggle-collect="$toggle" \
        --callgrind-out-file="$folder/$name.%p" "$counted" instructions "$name" >&2
    python3 - "$name" Benchmarks/counts/thresholds.json "$folder"/$name.* <<'END' || status=1
import json, sys
name, thresholds, *files = sys.argv[1:]
launches = 50 * 200
lines = [line for file in files for line in open(file)]
total = sum(int(line.split()[1]) for line in lines if line.startswith("totals:"))
count = total / launches
limit = json.load(open(thresholds))[name]
print(f"{name}: {count:.0f} instructions each, at most {limit}")
sys.exit(count > limit or count < 5)
END
done
exit $status
