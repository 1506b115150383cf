#!/usr/bin/env python3
"""What grows with a node's past, with what it holds, and with a wake-up of many: rows history, holds and storm.

Real daemons on a regtest bitcoind; the past is copied from real rows. With --against the same is measured with another
build, in turn, so that both see the same machine. Prints a line a number; exit code 0 even if a goal is missed.
"""
import argparse
import pathlib
import shutil
import sqlite3
import statistics
import sys
import threading
import time

import demo
from bench import Api, memory_mib
from demo import Bitcoind, Node, Wrong, open_channel, say, until

OUTGOING, INCOMING, FORWARD = 16, 17, 18  # src/effects/records.h
FAR = 1 << 40  # ids of copied HTLCs: above those that a channel comes to
PAYMENTS, ROUNDS = 30, 3


def processor_ms(process):
    """Of all its threads, in the kernel's nanoseconds: a tick of 10 ms is longer than a payment."""
    tasks = pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


class Network:
    """Nodes of one build, connected and with coins."""

    def __init__(self, build, bitcoind, base, roles):
        self.build, self.bitcoind = build[0], bitcoind
        (base / build[0]).mkdir(parents=True)
        self.nodes = [Node(name, "", role, build[1], base / build[0], bitcoind, "ldk") for name, role in roles]
        for node in self.nodes:
            node.start()
            bitcoind.call("sendtoaddress", node.cli("newaddress")["address"], 1)
        bitcoind.mine(1)

    def open(self, a, b, amount):
        a.cli("connect", f"{b.id}@127.0.0.1:{b.port}")
        counts = [sum(c["usable"] for c in node.cli("listchannels")["channels"]) + 1 for node in (a, b)]
        open_channel(self.bitcoind, a, b, amount, *counts)

    def restart(self, change):
        """Stops all, changes their databases, starts all. Processor milliseconds of each start, nobody connected yet."""
        usable = lambda: [sum(c["usable"] for c in n.cli("listchannels")["channels"]) for n in self.nodes]
        before = usable()
        for node in self.nodes:
            node.stop(kill=False)
        change()
        for node in self.nodes:
            node.start()
        took = [processor_ms(node.process) for node in self.nodes]
        until("the channels of before", lambda: usable() == before)
        for node in self.nodes:
            until("the chain", lambda: node.synced(self.bitcoind.height()))
        time.sleep(1)
        return took


def change_rows(node, change):
    with sqlite3.connect(node.folder / "doze.sqlite") as database:
        change(database)
    database.close()


def copy_rows(node, table, count, copied):
    """`count` rows like one of this table; `copied(value, number)` gives key and value."""
    def change(database):
        value = database.execute("SELECT value FROM records WHERE tab = ? ORDER BY key LIMIT 1",
                                 (table,)).fetchone()[0]
        database.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
                             ((table, *copied(value, number)) for number in range(count)))
    change_rows(node, change)


def other_hash(number):
    return number.to_bytes(8, "big") * 4


def outgoing(value, number):
    """version, payment_id, ..., payment_hash: every payment has its own."""
    return other_hash(number), value[:1] + other_hash(number) + value[33:]


def htlc(offset):
    """Rows whose (channel_id, htlc_id) stands at `offset`."""
    def copied(value, number):
        key = value[offset:offset + 32] + (FAR + number).to_bytes(8, "big")
        return key, value[:offset] + key + value[offset + 40:]
    return copied


def forget_copies(node):
    def change(database):
        for table in (INCOMING, FORWARD):
            database.execute("DELETE FROM records WHERE tab = ? AND hex(substr(key, 33, 8)) >= ?",
                             (table, FAR.to_bytes(8, "big").hex().upper()))
        database.execute("DELETE FROM records WHERE tab = ? AND substr(key, 1, 8) = substr(key, 9, 8)", (OUTGOING,))
    change_rows(node, change)


def pay_many(payer, payee, count, nodes):
    """Processor milliseconds per payment at each node, one payment at a time."""
    api, asked = Api(payer), Api(payee)
    invoices = [asked("createinvoice", amount_msat=1_000_000, description="bench")["invoice"] for _ in range(count)]
    before = [processor_ms(node.process) for node in nodes]
    for invoice in invoices:
        paid = api("pay", offer=invoice)
        if paid["state"] != "settled":
            raise Wrong(f"a payment ended as {paid}")
    time.sleep(0.3)  # what follows the answer
    return [(processor_ms(node.process) - was) / count for node, was in zip(nodes, before)]


def middle(rounds):
    return [statistics.median(values) for values in zip(*rounds)]


def show(name, build, what, values):
    print(f"{name:<8} {build:<8} {what:<28} " + "  ".join(values), flush=True)


def history(builds, bitcoind, base, args):
    networks = []
    for build in builds:
        net = Network(build, bitcoind, base / "history", [("A", "server"), ("B", "server"), ("C", "server")])
        a, b, c = net.nodes
        net.open(a, b, 10_000_000)
        net.open(b, c, 10_000_000)
        until("A to learn of B-C", lambda: a.cli("getinfo")["graph_channels"] >= 2)
        pay_many(a, c, 3, net.nodes)
        networks.append(net)
    sizes = (1_000, args.past)
    costs, starts, memory = {}, {}, {}
    for _ in range(ROUNDS):
        for size in sizes:
            for net in networks:
                a, b, c = net.nodes

                def past():
                    for node in net.nodes:
                        forget_copies(node)
                    copy_rows(a, OUTGOING, size, outgoing)
                    copy_rows(b, FORWARD, size, htlc(1))
                    copy_rows(c, INCOMING, size, htlc(33))

                key = net.build, size
                starts.setdefault(key, []).append(net.restart(past))
                memory[key] = [memory_mib(node.process) for node in net.nodes]
                pay_many(a, c, 5, net.nodes)
                costs.setdefault(key, []).append(pay_many(a, c, PAYMENTS, net.nodes))
    for net in networks:
        for size in sizes:
            key = net.build, size
            show("history", net.build, f"{size:,} ended payments", [
                "ms a payment A/B/C " + " / ".join(f"{ms:.1f}" for ms in middle(costs[key])),
                "start s " + " / ".join(f"{ms / 1000:.2f}" for ms in middle(starts[key])),
                "RSS MiB " + " / ".join(f"{mib:.0f}" for mib in memory[key])])
        few, many = (middle(costs[net.build, size]) for size in sizes)
        show("history", net.build, f"{sizes[1]:,} over {sizes[0]:,}",
             ["A/B/C " + " / ".join(f"{b / a:.2f} x" for a, b in zip(few, many)) + "   goal 1.1 x"])


def holds(builds, bitcoind, base, args):
    networks = []
    for build in builds:
        net = Network(build, bitcoind, base / "holds",
                      [("S", "client"), ("U", "server"), ("L", "server"), ("M", "server"), ("R", "client")])
        s, u, l, m, r = net.nodes
        for a, b in ((s, l), (u, l), (l, m), (m, r)):
            net.open(a, b, 10_000_000)
        until("S to learn of L-M", lambda: s.cli("getinfo")["graph_channels"] >= 2)
        until("U to learn of L-M", lambda: u.cli("getinfo")["graph_channels"] >= 2)
        r.cli("asyncjoin", m.cli("asyncinvite", "phone")["link"])
        offer = r.cli("createoffer", "--async", "--description", "bench")["offer"]
        r.stop(kill=False)
        net.nodes.remove(r)
        if Api(s)("pay", offer=offer, amount_msat=1_000_000)["state"] != "notified":
            raise Wrong("the payment is not held")
        pay_many(u, m, 3, net.nodes)
        networks.append(net)
    costs, starts, memory = {}, {}, {}
    for _ in range(ROUNDS):
        for count in (0, args.held):
            for net in networks:
                s, u, l, m = net.nodes

                def held():
                    forget_copies(l)

                    def change(database):
                        rows = database.execute("SELECT value FROM records WHERE tab = ?", (FORWARD,)).fetchall()
                        value = next(row[0] for row in rows if row[0][41] == 1)  # state: held
                        database.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
                                             ((FORWARD, *htlc(1)(value, number)) for number in range(count)))
                    change_rows(l, change)

                key = net.build, count
                starts.setdefault(key, []).append([net.restart(held)[2]])
                memory[key] = memory_mib(l.process)
                pay_many(u, m, 5, [l])
                costs.setdefault(key, []).append(pay_many(u, m, PAYMENTS, [l]))
    for net in networks:
        for count in (0, args.held):
            key = net.build, count
            show("holds", net.build, f"{count:,} held", [f"ms a payment at L {middle(costs[key])[0]:.1f}",
                                                         f"start s {middle(starts[key])[0] / 1000:.2f}",
                                                         f"RSS MiB {memory[key]:.0f}"])
        few, many = (middle(costs[net.build, count])[0] for count in (0, args.held))
        show("holds", net.build, f"{args.held:,} over none",
             [f"{many / few:.2f} x   goal 1.1 x", f"KiB each {(memory[net.build, args.held] - memory[net.build, 0]) * 1024 / args.held:.1f}"])


def count_in_log(node, event):
    return (node.folder / "log").read_text().count(f" {event} ")


def storm(builds, bitcoind, base, args):
    """Many holds for several recipients, all of which wake at once."""
    for build in builds:
        payers = [f"S{i}" for i in range(args.payers)]
        recipients = [f"R{i}" for i in range(args.recipients)]
        net = Network(build, bitcoind, base / "storm", [("L", "server"), ("M", "server")] +
                      [(name, "client") for name in payers + recipients])
        l, m = net.nodes[:2]
        s, r = net.nodes[2:2 + len(payers)], net.nodes[2 + len(payers):]
        net.open(l, m, 10_000_000)
        for node in s:
            net.open(node, l, 10_000_000)
        for node in r:
            net.open(m, node, 2_000_000)
        for node in s:
            until(f"{node.name} to learn of L-M", lambda: node.cli("getinfo")["graph_channels"] >= 1)
        offers = []
        for node in r:
            node.cli("asyncjoin", m.cli("asyncinvite", node.name)["link"])
            offers.append(node.cli("createoffer", "--async", "--description", "bench")["offer"])
            node.stop(kill=False)
        answers = []

        def pay(node, mine):
            api = Api(node)
            for offer in mine:
                answers.append(api("pay", offer=offer, amount_msat=1_000_000)["state"])

        each = args.holds // args.payers
        threads = [threading.Thread(target=pay, args=(node, offers[at::4] * each), daemon=True)
                   for node in s for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(900)
        total = args.holds * args.recipients
        until("all to be held", lambda: count_in_log(l, "htlc_held") >= total)
        used, began = processor_ms(l.process), time.monotonic()
        for node in r:
            threading.Thread(target=node.start, daemon=True).start()
        ended = lambda: count_in_log(l, "hold_settled") + count_in_log(l, "hold_failed")
        while ended() < total and time.monotonic() - began < args.patience:
            time.sleep(0.2)
        took = time.monotonic() - began
        show("storm", net.build, f"{total} holds of {len(r)}", [
            f"settled {count_in_log(l, 'hold_settled')}", f"failed {count_in_log(l, 'hold_failed')}",
            f"left {total - ended()} after {took:.1f} s", f"notified {answers.count('notified')}",
            f"L ms a release {(processor_ms(l.process) - used) / max(ended(), 1):.1f}",
            "goal 0 failed, 0 left after 30 s"])
        for node in net.nodes:
            node.stop(kill=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="a folder with doze and dozed")
    parser.add_argument("--against", help="another one, measured in turn")
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--past", type=int, default=100_000)
    parser.add_argument("--held", type=int, default=9_900)
    parser.add_argument("--payers", type=int, default=4)
    parser.add_argument("--recipients", type=int, default=16)
    parser.add_argument("--holds", type=int, default=60, help="for each recipient")
    parser.add_argument("--patience", type=int, default=60, help="seconds that a storm is watched")
    parser.add_argument("rows", nargs="*", help="history, holds, storm; default: all")
    args = parser.parse_args()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    builds = [(name, pathlib.Path(path).resolve())
              for name, path in (("this", args.build), ("against", args.against)) if path]
    try:
        bitcoind = Bitcoind(args.bitcoind, base / "bitcoind")
        for name, run in (("history", history), ("holds", holds), ("storm", storm)):
            if name in (args.rows or (name,)):
                run(builds, bitcoind, base, args)
        return 0
    except Wrong as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    finally:
        demo.end_all()


if __name__ == "__main__":
    sys.exit(main())
