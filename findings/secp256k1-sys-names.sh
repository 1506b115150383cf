#!/usr/bin/env bash
# crate secp256k1-sys 0.14.1, which carries libsecp256k1 0.8.0 (seen with cargo 1.95 and gcc 12 on 2026-12-01).
#
# The crate brings the C library with all of its sources and headers, and looks like a way to have a fixed version of
# it. But every function has the crate's version in its name, so that several versions fit into one program of Rust; and
# the functions that allocate are taken out: there is no secp256k1_context_create under either name, only
# ..._context_preallocated_create. One would guess that a C program that fits libsecp256k1 0.8.0 links with it.
#
# Output: "not there" for secp256k1_selftest, and for context_create with and without the prefix; "links" for
# rustsecp256k1_v0_14_selftest and rustsecp256k1_v0_14_context_preallocated_size.
#
# Doze because of it: scripts/get-secp256k1 compares a hash of the sources, takes the prefix away and builds; the code
# uses contexts in memory of its own, which both this copy and Debian's have (doc/adr/0022). Tests: crypto (this copy) and
# crypto_system_secp256k1 (Debian's).
set -euo pipefail
for tool in cargo cc; do command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 77; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cat >"$folder/Cargo.toml" <<'X'
[package]
name = "names"
version = "0.0.0"
edition = "2021"
[lib]
path = "none.rs"
[dependencies]
secp256k1-sys = "=0.14.1"
X
: >"$folder/none.rs"
(cd "$folder" && timeout 300 cargo vendor --quiet vendor >/dev/null) || { echo "the crate cannot be had here" >&2; exit 77; }
library=$folder/vendor/secp256k1-sys/depend/secp256k1
for file in secp256k1 precomputed_ecmult precomputed_ecmult_gen; do
  cc -O0 -w -DECMULT_WINDOW_SIZE=15 -DCOMB_BLOCKS=43 -DCOMB_TEETH=6 -I"$library" -I"$library/include" -I"$library/src" \
    -c "$library/src/$file.c" -o "$folder/$file.o"
done
links() {
  printf 'void *%s(unsigned);\nint main(void) { return %s(1) == 0; }\n' "$1" "$1" >"$folder/program.c"
  if cc -w "$folder/program.c" "$folder"/*.o -o "$folder/program" 2>/dev/null; then echo "$1: links"; else echo "$1: not there"; fi
}
found=$(for name in secp256k1_selftest secp256k1_context_create rustsecp256k1_v0_14_context_create \
  rustsecp256k1_v0_14_selftest rustsecp256k1_v0_14_context_preallocated_size; do links "$name"; done)
echo "$found"
[ "$found" = "secp256k1_selftest: not there
secp256k1_context_create: not there
rustsecp256k1_v0_14_context_create: not there
rustsecp256k1_v0_14_selftest: links
rustsecp256k1_v0_14_context_preallocated_size: links" ] || { echo "it has changed" >&2; exit 1; }
