#!/usr/bin/env bash
# pyln-proto 26.6.9 (PyPI, with bitstring 4.4.0; seen with Python 3.11 on 2026-12-01).
#
# An invoice of BOLT 11 may have several `r` fields: each is one way to the payee. pyln-proto writes two hints as two
# fields, as it should. Reading that same text it replaces the set of hints at each field, so that only the last one is
# left. One would guess that a library reads back what it wrote, and that a payer sees every way.
#
# Output: "written: 1 2" and "read back: 2".
#
# Doze because of it: `doze decode` shows every field, in order. Test: DecodeKinds.every_route_hint_of_an_invoice_is_shown.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" -q install --disable-pip-version-check \
  pyln-proto==26.6.9 bitstring==4.4.0 || { echo "the packages cannot be had here" >&2; exit 77; }
cat >"$folder/hints.py" <<'X'
from decimal import Decimal

import coincurve
from pyln.proto.invoice import Invoice, RouteHint, RouteHintSet


def hint(number):
    made = RouteHint()
    made.pubkey = coincurve.PrivateKey(bytes([number]) * 32).public_key.format()
    made.short_channel_id = number
    made.fee_base_msat, made.fee_proportional_millionths, made.cltv_expiry_delta = 1_000, 10, 40
    return made


invoice = Invoice(paymenthash=bytes(32), amount=Decimal("0.001"), tags=[("d", "tea")], date=1_700_000_000)
invoice.route_hints = RouteHintSet()
for number in (1, 2):
    invoice.route_hints.add(hint(number))
text = invoice.encode("01" * 32)
read = Invoice.decode(text)
print("written:", *[one.short_channel_id for one in invoice.route_hints.route_hints])
print("read back:", *[one.short_channel_id for one in read.route_hints.route_hints])
X
found=$("$folder/venv/bin/python" "$folder/hints.py")
echo "$found"
[ "$found" = $'written: 1 2\nread back: 2' ] || { echo "it has changed" >&2; exit 1; }
