#!/usr/bin/env python3
"""Attacks on real dozed processes, on this machine only: doc/ATTACKS.md says what each does. A line per attack with what
was measured, exit code 1 if a node lost more than its limits allow."""
import argparse
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / name) for name in ("scripts", "interop", "attack")]

import chain  # noqa: E402
import peers  # noqa: E402
import strangers  # noqa: E402
from demo import Wrong  # noqa: E402
from field import Field  # noqa: E402

ATTACKS = [
    strangers.a1_writer, peers.c1_worthless_payload, peers.a2_large_reasons, peers.b5_batches, chain.c8_kept_hold,
    chain.c8_evicted_commitment, strangers.a4_openings, chain.a5_old_copy, chain.a6_reorganised_funding,
    strangers.b1_unread_pongs, strangers.b2_silent_connections, strangers.b3_gossip_questions, strangers.b4_searches,
    strangers.b6_mailbox, strangers.b7_client_by_claim, peers.b8_holds,
    chain.b9_releases_for_nothing, strangers.b10_amplification,
    strangers.b11_repeated_ids, chain.c9_dialled, chain.c12_crowd_at_the_wake, strangers.crowd, strangers.mix,
]


def run(args, attack, base):
    """Whether the nodes stood it."""
    began, field = time.monotonic(), None
    try:
        field = Field(args, base / attack.__name__)
        attack(field, args.minutes) if attack is strangers.mix else attack(field)
        good = "ok"
    except (Wrong, KeyError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        good = f"FAILED: {error}"
    finally:
        if field:
            field.end()
    numbers = "; ".join(field.measured if field else [])
    print(f"{good[:6]:<8}{attack.__name__} ({time.monotonic() - began:.1f} s){': ' if numbers else ''}{numbers}"
          f"{'' if good == 'ok' else chr(10) + '        ' + good[8:]}", flush=True)
    return good == "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only attacks whose name begins so")
    parser.add_argument("--build", help="folder with dozed and doze: the victims")
    parser.add_argument("--attacker", help="the attacker's program; BUILD/attacker by default")
    parser.add_argument("--bitcoind")
    parser.add_argument("--folder", default="build/attacks", help="where the nodes live; emptied first")
    parser.add_argument("--minutes", type=int, default=1, help="of mix; 30 is the long one")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    wanted = [one for one in ATTACKS if not args.names or any((one.__name__ + "_").startswith(name + "_") for name in args.names)]
    if args.list:
        print("\n".join(f"{one.__name__:<28}{one.__doc__}" for one in wanted))
        return 0
    if not args.build or not args.bitcoind or not wanted:
        parser.error("--build and --bitcoind are needed" if wanted else "there is no such attack: --list")
    args.build = pathlib.Path(args.build).resolve()
    args.attacker = pathlib.Path(args.attacker or args.build / "attacker").resolve()
    base = pathlib.Path(args.folder).resolve()
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results = [run(args, one, base) for one in wanted]
    print(f"{results.count(True)} of {len(results)} attacks did no harm")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
