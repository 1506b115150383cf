#!/usr/bin/env bash
# Bitcoin Knots 29.4.3 (Debian package bitcoin-knots of unstable; seen on Debian 12 on 2026-12-01).
#
# Its usual policy refuses every transaction whose lock time is exactly 21, with the reason "parasite-cat21": a token of
# that name marks its transactions so. Lock times of 20 and 22 are relayed. Wallets of Bitcoin Core and Knots put the
# height of the chain, or one of the hundred before it, into the lock time of a payment, against miners that would take
# it back: on a young chain this node's own wallet now and then makes a payment that its own mempool refuses. One would
# guess that a node relays what its wallet makes. With corepolicy=1 all three are taken; Bitcoin Core ignores that
# setting.
#
# Output, on a regtest chain of 130 blocks:
#   lock time 20: true
#   lock time 21: false parasite-cat21
#   lock time 22: true
#   with corepolicy=1, lock time 21: true
#
# Doze because of it: the networks of its demo, daemon tests and interop runs set corepolicy=1. Doze's own transactions
# have the lock time 0 or what BOLT 3 gives commitments, which is above 500,000,000.
set -euo pipefail
version=29.4.3.knots20260508
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
stop() { [ -z "${running:-}" ] || "${cli[@]}" stop >/dev/null 2>&1 || true; [ -z "${running:-}" ] || wait "$running" || true; rm -rf "$folder"; }
trap stop EXIT
. "$here/scripts/newer-debian.sh"
newer_debian "$folder/debian" 100 --download-only install bitcoin-knots || { echo "$newer_debian_error" >&2; exit 77; }
lib=$folder/debian/root/usr/lib/x86_64-linux-gnu
program() { echo "$lib/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$lib" "$folder/debian/root/usr/bin/$1"; }
read -ra bitcoind <<<"$(program bitcoind)"
read -ra cli <<<"$(program bitcoin-cli)"
"${bitcoind[@]}" -version | grep -q "$version" || { echo "another version is there by now" >&2; exit 77; }
options=(-regtest -datadir="$folder/node" -rpcport=28953)
cli+=("${options[@]}")
start() {
  mkdir -p "$folder/node"
  "${bitcoind[@]}" "${options[@]}" -listen=0 -connect=0 -fallbackfee=0.0001 "$@" >"$folder/log" 2>&1 &
  running=$!
  "${cli[@]}" -rpcwait getblockcount >/dev/null
}
# What the mempool says to a payment of the wallet with this lock time.
asked() {
  local raw signed
  raw=$("${cli[@]}" createrawtransaction "[{\"txid\":\"$txid\",\"vout\":0,\"sequence\":4294967294}]" "[{\"$address\":49.999}]" "$1")
  signed=$("${cli[@]}" signrawtransactionwithwallet "$raw" | python3 -c 'import json,sys; print(json.load(sys.stdin)["hex"])')
  "${cli[@]}" testmempoolaccept "[\"$signed\"]" |
    python3 -c 'import json,sys; a=json.load(sys.stdin)[0]; print(str(a["allowed"]).lower(), a.get("reject-reason", ""))' | sed 's/ *$//'
}
start
"${cli[@]}" createwallet w >/dev/null
address=$("${cli[@]}" getnewaddress "" bech32)
"${cli[@]}" generatetoaddress 130 "$address" >/dev/null
block=$("${cli[@]}" getblockhash 1)
txid=$("${cli[@]}" getblock "$block" | python3 -c 'import json,sys; print(json.load(sys.stdin)["tx"][0])')
found=$(for time in 20 21 22; do echo "lock time $time: $(asked $time)"; done)
"${cli[@]}" stop >/dev/null; wait "$running"
start -corepolicy=1
"${cli[@]}" loadwallet w >/dev/null
found="$found
with corepolicy=1, lock time 21: $(asked 21)"
echo "$found"
[ "$found" = "lock time 20: true
lock time 21: false parasite-cat21
lock time 22: true
with corepolicy=1, lock time 21: true" ] || { echo "it has changed" >&2; exit 1; }
