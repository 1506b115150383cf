#!/usr/bin/env python3
"""Doze beside LDK: the micro rows that both have, and whole nodes.

Micro: `bench` of Doze and `ldk-rows` (lightning 0.2.7) in turn, row by row and round by round; the ratio is taken in each
round and its median counts. Whole nodes: rows of bench_growth.py with ldk-node 0.7.1 in the place of dozed, in turn with
Doze, and real_holds, with as many holds as LDK takes. Exit code 0 whatever the ratios are; non-zero only if something
did not work.
"""
import argparse
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "interop")]

import demo  # noqa: E402
import bench_growth  # noqa: E402
from bench import cpu_seconds, machine, memory_mib  # noqa: E402
from bench_growth import CHANNEL_SAT, Build, Paid, other_hash  # noqa: E402
from demo import Bitcoind, Wrong, until  # noqa: E402
from network import World  # noqa: E402
from nodes import DOZE, LDK, SETTLED, LdkPeer  # noqa: E402

REAL_HOLDS, REAL_PAYMENTS, REAL_PATIENCE_S = 40, 30, 60
ROUNDS_A_TURN = 3  # of each program, before the other's turn
NOT_MEASURED = {
    "om_forward_10k_peers": "10,000 handshakes before each turn would take longer than all other rows together",
    "si_verify_eager": "it would be si_verify again: LDK parses every point at once",
    "si_serve_1M": "lightning leaves it to its user to keep static invoices, so the size is that of a map in our program",
    "si_serve_32k_1M": "the same",
    "commit_round_N_cores": "LDK signs and verifies on one core",
    "batch_N": "a channel is made by a ChannelManager only, which must have a node and a peer around it; see batch below",
    "journal_append_N": "lightning has no store of its own",
    "store_get_N": "lightning has no store of its own",
}
NODES_CANNOT = {
    "holds": "a held HTLC is part of one blob, the ChannelManager, so 9,900 cannot be copied: see real_holds",
    "storm": "a channel takes 50 HTLCs, so 960 holds need 20 payers and 20 channels between the servers: see real_holds",
    "batch": "a channel takes 50 HTLCs (max_accepted_htlcs, which ldk-node does not let one set)",
}


# ---- micro ----

def lines(command):
    """The numbers that a program prints, per row: one list per round."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Wrong(f"{command[0]}: {done.stderr.strip()}")
    out = {}
    for line in done.stdout.splitlines():
        name, *numbers = line.split()
        out.setdefault(name, []).append([float(number) for number in numbers])
    return out


def part(values, at):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * at))]


def micro(args, base):
    programs = {"doze": [args.build / "bench", "--plain", "--folder", base / "micro"], "ldk": [args.ldk_rows]}
    rows = subprocess.run([args.ldk_rows, "--list"], capture_output=True, text=True, check=True).stdout.split()
    rows = [row for row in rows if not args.only or any(row.startswith(name) for name in args.only)]
    table = ["| row | floor | ours | LDK | LDK / ours | p10–p90 | ours / floor |", "|---|---|---|---|---|---|---|"]
    print(f"{'':<20}{'floor':>10}{'ours':>10}{'LDK':>10}{'LDK/ours':>10}{'p10-p90':>14}{'ours/floor':>12}   µs per operation")
    for row in rows:
        floor, ours, ldk = [], [], []
        for turn in range(args.rounds):
            got = {}
            for name in sorted(programs, reverse=turn % 2 == 1):
                got[name] = lines(programs[name] + [row, "--rounds", ROUNDS_A_TURN])[row]
            middle = lambda name, column: statistics.median(numbers[column] for numbers in got[name])
            floor.append(middle("doze", 0))
            ours.append(middle("doze", 1))
            ldk.append(middle("ldk", 0))
        ratios = [theirs / own for theirs, own in zip(ldk, ours)]
        values = [f"{statistics.median(x):.1f}" for x in (floor, ours, ldk)]
        values += [f"{statistics.median(ratios):.2f}", f"{part(ratios, 0.1):.2f}–{part(ratios, 0.9):.2f}",
                   f"{statistics.median(o / f for o, f in zip(ours, floor)):.2f}"]
        print(f"{row:<20}" + "".join(f"{v:>{w}}" for v, w in zip(values, (10, 10, 10, 10, 14, 12))), flush=True)
        table.append(f"| `{row}` | " + " | ".join(values) + " |")
    for row, why in NOT_MEASURED.items():
        if not args.only or any(row.startswith(name) for name in args.only):
            print(f"{row}: not measured with LDK: {why}")
    return table


# ---- whole nodes ----

class Peer(LdkPeer):
    """Dialled directly, and with no more in its log than Doze has in its own."""

    def __init__(self, name, role, world):
        super().__init__(name, "server" if role == "server" else "listener", world)
        self.port, self.logs = self.listens, "info"


class LdkNetwork:
    """What bench_growth.Network is, of ldk-node. Channels are private: invoices have a hint to the last one, so that
    nobody waits for LDK's gossip. B, which forwards to a private channel, must be a server for that."""
    most_in_flight = 25  # a channel takes 50 HTLCs, and near that payments fail
    most_peers = 240  # it takes 250 without a channel

    def __init__(self, build, bitcoind, base, roles):
        self.build, self.bitcoind, self.base, self.ldk_peer = build.name, bitcoind, base / build.name, build.path
        self.base.mkdir(parents=True)
        self.nodes = [Peer(name, role, self) for name, role in roles]
        for node in self.nodes:
            node.start()
            bitcoind.call("sendtoaddress", node.address(), 1)
        bitcoind.mine(1)
        for node in self.nodes:
            until(f"coins at {node}", lambda: node.confirmed_sat() >= CHANNEL_SAT)

    def open(self, a, b):
        counts = a.usable() + 1, b.usable() + 1
        a.connect(b)
        a.open(b, CHANNEL_SAT)
        until("the funding transaction in the mempool", lambda: self.bitcoind.call("getrawmempool"))
        self.bitcoind.mine(7)
        until(f"channel {a}-{b}", lambda: (a.usable(), b.usable()) >= counts)

    def knows_the_way(self, payer, channels):
        pass

    def processor_ms(self, node):
        """In ticks of 10 ms: threads of LDK end, and the kernel's nanoseconds end with them."""
        return cpu_seconds(node.process) * 1000

    def connected(self, node):
        return len(node.ask("peers"))

    def pay(self, payer, payee, count, in_flight):
        invoices = [payee.invoice(1_000_000) for _ in range(count)]
        before = [self.processor_ms(node) for node in self.nodes]
        began, begun, took, seen = time.monotonic(), {}, [], len(payer.events)
        while len(took) < count:
            while invoices and len(begun) < in_flight:
                at = time.monotonic()
                begun[payer.pay_invoice(invoices.pop())] = at
            events, seen = payer.events[seen:], len(payer.events)
            for event in events:
                if event["event"] == "failed":
                    raise Wrong(f"a payment of LDK failed: {event['reason']}")
                if event["event"] == "sent":
                    took.append(event["at"] - begun.pop(event["payment_id"]))
            if time.monotonic() > began + 600:
                raise Wrong(f"{len(took)} of {count} payments of LDK have ended after 600 s")
            time.sleep(0.002)
        wall = time.monotonic() - began
        time.sleep(2)  # what follows the answer: LDK gives up HTLCs at its leisure
        return Paid([(self.processor_ms(node) - was) / count for node, was in zip(self.nodes, before)], count / wall, took)

    def restart(self, change):
        for node in self.nodes:
            node.stop()
        change()
        took = []
        for node in self.nodes:
            node.start()
            took.append(self.processor_ms(node))
        for node in self.nodes:
            node.connect_again()
        for node in self.nodes:
            until(f"the channels of {node}", lambda: all(c["usable"] for c in node.channels()))
        time.sleep(2)
        return took

    def give_past(self, size):
        """Payments of A, and those that C received. B keeps nothing of what it forwarded."""
        for node in (self.nodes[0], self.nodes[2]):
            with sqlite3.connect(node.folder / "ldk_node_data.sqlite") as database:
                database.execute("DELETE FROM ldk_node_data WHERE primary_namespace = 'payments' AND "
                                 "substr(key, 1, 16) = substr(key, 17, 16)")
                key, value = database.execute("SELECT key, value FROM ldk_node_data WHERE primary_namespace = 'payments' "
                                              "ORDER BY key LIMIT 1").fetchone()
                old = bytes.fromhex(key)
                if old not in value:
                    raise Wrong("a payment of ldk-node does not hold its id")
                database.executemany("INSERT OR REPLACE INTO ldk_node_data VALUES ('payments', '', ?, ?)", (
                    (other_hash(number).hex(), value.replace(old, other_hash(number))) for number in range(size)))
            database.close()


def async_line(world):
    """S and U – L – M – R1 and R2, which have an async offer each and sleep."""
    s, u, l, m = (world.node(world.kind, name, role) for name, role in (
        ("S", "client"), ("U", "server"), ("L", "server"), ("M", "server")))
    recipients = [world.node(world.kind, name, "client") for name in ("R1", "R2")]
    world.fund([s, u, l, m], 20_000_000)
    for a, b in [(s, l), (u, l), (l, m)] + [(r, m) for r in recipients]:
        a.connect(b)
    world.open([(s, l), (u, l)] + [(m, r) for r in recipients] + [(l, m)], [(l, m)])
    world.all_usable()
    for node in (s, u, *recipients):
        until(f"{node} to know L and M", lambda: node.graph_knows([l, m], 1), 120)
    for node in world.nodes:  # LDK may lack a channel_update that came too early, and asks nobody for it until now
        node.stop()
        log_less(node)
        node.start()
        node.connect_again()
    world.all_usable()
    for node in (s, u):
        until(f"{node} to know both directions", lambda: node.graph_knows([l, m], 1, True), 120)
    offers = []
    for r in recipients:
        r.join(m.invite(r.name))
        offers.append(until(f"an async offer of {r}", r.async_offer))
        r.stop()
    return s, u, l, m, recipients, offers


def real_holds(args, base):
    """As many real holds as one channel of LDK takes: S's payments for two sleeping R, held by L. What an unrelated payment
    U – L – M costs L without and with them; then both R wake."""
    for kind in (DOZE, LDK):
        world = World(args, base / f"real_holds-{kind}")
        world.kind = kind
        s, u, l, m, recipients, offers = async_line(world)
        without, before = unrelated(u, l, m), bench_growth.anonymous_kib(l.process)
        amounts = [1_000_000 + number for number in range(REAL_HOLDS)]
        left = s.balance() - sum(amounts)
        ids = [s.pay_soon(offers[number % 2], amount) for number, amount in enumerate(amounts)]
        until("all to be held", lambda: s.balance() <= left)
        time.sleep(3)
        memory = bench_growth.anonymous_kib(l.process) - before
        held = unrelated(u, l, m)
        used, woke = cpu_seconds(l.process), time.monotonic()
        for r in recipients:
            r.start()
            r.connect_again()
        settled = lambda: sum(s.payment(one)["state"] == SETTLED for one in ids)
        while settled() < REAL_HOLDS and time.monotonic() < woke + REAL_PATIENCE_S:
            time.sleep(0.5)
        took, done = time.monotonic() - woke, settled()
        bench_growth.show("real_holds", kind, f"{REAL_HOLDS} held", [
            f"ms per unrelated payment at L {without:.1f}, with them {held:.1f} ({held / without:.2f} x)",
            f"KiB each {memory / REAL_HOLDS:.1f}",
            f"both wake: {done} settled in {took:.1f} s",
            f"L ms per release {(cpu_seconds(l.process) - used) * 1000 / max(done, 1):.1f}"])
        for node in world.nodes:
            node.stop()


def log_less(node):
    """As in use: the line-ups, which these nodes come from, want to see everything."""
    if node.kind == LDK:
        node.logs = "info"
    else:
        config = node.node.folder / "doze.toml"
        config.write_text(config.read_text().replace('log_level = "debug"', 'log_level = "info"'))


def unrelated(u, l, m):
    """Processor time that such a payment costs L."""
    used = cpu_seconds(l.process)
    for _ in range(REAL_PAYMENTS):
        paid = u.pay_invoice(m.invoice(1_000_000))
        until("an unrelated payment", lambda: u.payment(paid)["state"] == SETTLED)
    return (cpu_seconds(l.process) - used) * 1000 / REAL_PAYMENTS


def nodes(args, base, names):
    bitcoind = Bitcoind(args.bitcoind, base / "bitcoind")
    builds = [Build("doze", args.build, bench_growth.Network), Build("ldk", args.ldk_peer, LdkNetwork)]
    for name, run in (("fwd_tps", bench_growth.fwd_tps), ("idle_peer", bench_growth.idle_peer),
                      ("history", bench_growth.history)):
        if name in names:
            run(builds, bitcoind, base, args)
    if "real_holds" in names:
        real_holds(args, base)
    for name, why in NODES_CANNOT.items():
        if name in names:
            print(f"{name:<10} ldk      cannot, because {why}. Doze alone: "
                  + ("./run bench micro batch" if name == "batch" else f"./run bench growth {name}"))


def load():
    """Of the last 1, 5 and 15 minutes. Other work on the machine makes rates by the clock on the wall worthless."""
    return ", ".join(f"{one:.1f}" for one in os.getloadavg())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, type=pathlib.Path, help="a folder with bench, doze, dozed and attacker")
    parser.add_argument("--ldk-rows", required=True, type=pathlib.Path, help="the program of bench/ldk")
    parser.add_argument("--ldk-peer", required=True, type=pathlib.Path, help="the program of interop/ldk")
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path, help="write the micro rows' table to this file")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each micro row")
    bench_growth.sizes(parser)
    parser.add_argument("rows", nargs="*", help="micro, nodes, or rows of either; default: all")
    args = parser.parse_intermixed_args()
    args.build, args.attacker = args.build.resolve(), args.build.resolve() / "attacker"
    args.ldk_rows, args.ldk_peer = args.ldk_rows.resolve(), args.ldk_peer.resolve()
    whole = ["fwd_tps", "idle_peer", "history", "real_holds", *NODES_CANNOT]
    args.seed = 1
    wanted = args.rows or ["micro", "nodes"]
    of_nodes = whole if "nodes" in wanted else [name for name in wanted if name in whole]
    args.only = [name for name in wanted if name not in ("micro", "nodes", *whole)]
    shutil.rmtree(args.folder, ignore_errors=True)
    args.folder.mkdir(parents=True)
    print(f"{machine()}; load {load()}")
    try:
        if "micro" in wanted or args.only:
            table = micro(args, args.folder)
            if args.markdown:
                args.markdown.write_text("\n".join(table) + "\n")
        if of_nodes:
            nodes(args, args.folder, of_nodes)
        print(f"load at the end {load()}")
        return 0
    except Wrong as error:
        print(f"\nbench: {error}\n(logs: {args.folder}/*/*)", file=sys.stderr)
        return 1
    finally:
        demo.end_all()


if __name__ == "__main__":
    sys.exit(main())
