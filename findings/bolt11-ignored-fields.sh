#!/usr/bin/env bash
# npm bolt11 1.4.1 and light-bolt11-decoder 3.2.0, PyPI bolt11 2.2.0 and pyln-proto 26.6.9 (seen with Node.js 20 and
# Python 3.11 on 2026-12-01).
#
# BOLT 11 has an example with fields p, h, s and n of a wrong length beside good ones, "which must be ignored". Its
# requirements say since 2025 that such an invoice must not be paid. Both kinds of readers exist: the Python packages
# read it and take the good fields. The two of npm refuse it, but not for a length: one says that the signature does
# not fit the payee's key (it takes the short n for the key), the other complains of the input of a function inside. One
# would guess that readers of a format agree at least on the examples in its text.
#
# Output:
#   npm bolt11: Lightning Payment Request signature pubkey does not match payee pubkey
#   npm light-bolt11-decoder: radix2.encode input should be Uint8Array
#   PyPI bolt11: coffee beans
#   PyPI pyln-proto: coffee beans
#
# Doze because of it: reads it, as the example says, where a good field of the kind is there, too; writes none.
# Test: Bolt11.reads_what_the_examples_say; the conflict is told in doc/COMPATIBILITY.md.
set -euo pipefail
command -v npm >/dev/null || { echo "there is no npm here" >&2; exit 77; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
no() { echo "the packages cannot be had here" >&2; exit 77; }
(cd "$folder" && npm init -y >/dev/null && npm install --silent --no-fund --no-audit bolt11@1.4.1 light-bolt11-decoder@3.2.0) >&2 || no
for package in bolt11==2.2.0 pyln-proto==26.6.9; do
  python3 -m venv "$folder/${package%%=*}" &&
    "$folder/${package%%=*}/bin/pip" -q install --disable-pip-version-check "$package" bitstring==4.4.0 || no
done
invoice=lnbc25m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5vdhkven9v5sxyetpdeessp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9q5sqqqqqqqqqqqqqqqqsgq2qrqqqfppnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqppnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpp4qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqhpnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqhp4qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqspnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqsp4qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnp5qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnpkqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqz599y53s3ujmcfjp5xrdap68qxymkqphwsexhmhr8wdz5usdzkzrse33chw6dlp3jhuhge9ley7j2ayx36kawe7kmgg8sv5ugdyusdcqzn8z9x
cat >"$folder/read.cjs" <<'X'
const readers = {"bolt11": require("bolt11"), "light-bolt11-decoder": require("light-bolt11-decoder")};
for (const [name, reader] of Object.entries(readers)) {
  let said = "read";
  try { reader.decode(process.argv[2]); } catch (error) { said = error.message; }
  console.log(`npm ${name}: ${said}`);
}
X
cat >"$folder/read_bolt11.py" <<'X'
import sys

import bolt11

print("PyPI bolt11:", bolt11.decode(sys.argv[1]).description)
X
cat >"$folder/read_pyln.py" <<'X'
import sys

from pyln.proto.invoice import Invoice

print("PyPI pyln-proto:", dict(Invoice.decode(sys.argv[1]).tags)["d"])
X
found=$(node "$folder/read.cjs" "$invoice"; "$folder/bolt11/bin/python" "$folder/read_bolt11.py" "$invoice"
  "$folder/pyln-proto/bin/python" "$folder/read_pyln.py" "$invoice")
echo "$found"
[ "$found" = "npm bolt11: Lightning Payment Request signature pubkey does not match payee pubkey
npm light-bolt11-decoder: radix2.encode input should be Uint8Array
PyPI bolt11: coffee beans
PyPI pyln-proto: coffee beans" ] || { echo "it has changed" >&2; exit 1; }
