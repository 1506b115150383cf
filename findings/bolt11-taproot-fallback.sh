#!/usr/bin/env bash
# bolt11 2.2.0 (PyPI, with bitstring 4.4.0; seen with Python 3.11 on 2026-12-01).
#
# A fallback address of an invoice may be a taproot output: version 1, 32 bytes. Addresses from version 1 on have the
# checksum of bech32m (BIP 350). The package writes all witness versions with the checksum of bech32 (BIP 173), and so
# shows an address that no wallet takes. Its input here is BOLT 11's own example; the address that BOLT 11 names for it
# ends with "e2s3lm". One would guess that the six last characters are right where all others are.
#
# Output: the address of the example, ending with "svkqa6e" instead of "se2s3lm".
#
# Doze because of it: `doze decode` shows fallbacks as addresses, each with the checksum of its version; the vectors of
# BOLT 11 hold it (vectors/bolt11/valid.json, "P2TR fallback").
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" -q install --disable-pip-version-check \
  bolt11==2.2.0 bitstring==4.4.0 || { echo "the packages cannot be had here" >&2; exit 77; }
cat >"$folder/fallback.py" <<'X'
import sys

import bolt11

for tag in bolt11.decode(sys.argv[1]).tags:
    if hasattr(tag.data, "address"):
        print(tag.data.address)
X
found=$("$folder/venv/bin/python" "$folder/fallback.py" lnbc20m1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqsfp4pptdvg0d2nj99568qn6ssdy4cygnwuxgw2ukmnwgwz7jpqjz2kszs9qrsgqy606dznq28exnydt2r4c29y56xjtn3sk4mhgjtl4pg2y4ar3249rq4ajlmj9jy8zvlzw7cr8mggqzm842xfr0v72rswzq9xvr4hknfsqwmn6xd)
echo "$found"
right=bc1pptdvg0d2nj99568qn6ssdy4cygnwuxgw2ukmnwgwz7jpqjz2kszse2s3lm
[ "${found%??????}" = "${right%??????}" ] && [ "$found" != "$right" ] || { echo "it has changed" >&2; exit 1; }
