#!/usr/bin/env python3
"""Doze and LDK on one regtest network: async payments in every mix of the two. doc/INTEROP.md says what is shown.

Waits on states, never on sleeps; prints a table; exit code 1 if a line-up is off.
"""
import argparse
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "interop")]

import demo  # noqa: E402
import faults  # noqa: E402
import life  # noqa: E402
import lineups  # noqa: E402
from demo import Wrong, say  # noqa: E402
from network import Network  # noqa: E402

LINE_UPS = [
    ("1 held, both ends dead", lineups.line_up_1),
    ("2 payer online", lineups.line_up_2),
    ("3 held through a night", lineups.line_up_3),
    ("4 server apart from the LSP", lineups.line_up_4),
    ("5 two at once, every process killed", lineups.line_up_5_two),
    ("5 recipients die in the middle", lineups.recipients_die),
    ("5 nobody releases", lineups.line_up_5_deadline),
    ("5 mail lost with LDK's M", lineups.lost_mail),
    ("5 cut connections while held", faults.held_cuts),
    ("6 BOLT 12 offers, all mixes", life.forwarded_offers),
    ("6 BOLT 12 offers between neighbours", life.direct_offers),
    ("6 BOLT 11", life.bolt11),
    ("6 pairs", life.pairs),
    ("6 cut connections", life.cuts),
    # The last one: afterwards bitcoind's estimate may come and go, and LDK remembers the last where a fresh node has none.
    ("6 update_fee", life.update_fee),
]


def run(args, base):
    net = Network(args, base)
    net.set_up()
    rows, wrong = [], 0
    for name, line_up in LINE_UPS:
        if args.filter and args.filter not in name:
            continue
        say(f"line-up {name}")
        began = time.monotonic()
        try:
            payments = line_up(net)
            rows.append(f"ok      {name} ({time.monotonic() - began:.1f} s)")
            rows += [p.row() for p in payments]
        except (Wrong, KeyError, subprocess.TimeoutExpired) as error:
            wrong += 1
            rows.append(f"FAILED  {name}: {error}")
            say(rows[-1])
            if not args.keep_going:
                break
            try:
                net.awake()
            except Wrong as error:
                say(f"and the network does not recover: {error}")
                break
    print("\n" + "\n".join(rows))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filter", nargs="?", help="only line-ups whose name holds this")
    parser.add_argument("--build", required=True, help="folder with dozed and doze")
    parser.add_argument("--ldk-peer", required=True)
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True, help="where the nodes live; emptied first")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of the random cuts; a new one by default")
    parser.add_argument("--keep-going", action="store_true", help="after a line-up that failed")
    args = parser.parse_args()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return 1 if run(args, base.resolve()) else 0
    except Wrong as error:
        print(f"\ninterop: {error}\n(logs: {base}/*/log, LDK's: {base}/*/trace)", file=sys.stderr)
        return 1
    finally:
        demo.end_all()


if __name__ == "__main__":
    sys.exit(main())
