#!/usr/bin/env python3
"""What grows with a node's past, with what it holds, with a wake-up of many, with payments at a time and with peers:
rows history, holds, storm, fwd_tps and idle_peer.

Real daemons on a regtest bitcoind; the past is copied from real rows. With --against the same is measured with another
build, in turn, so that both see the same machine. Prints a line per number; exit code 0 even if a goal is missed.
bench_ldk.py measures history, fwd_tps and idle_peer with LDK's nodes, too.
"""
import argparse
import pathlib
import shutil
import sqlite3
import statistics
import sys
import subprocess
import threading
import time
import typing

import demo
from bench import Api, memory_mib, spread
from demo import Bitcoind, Node, Wrong, open_channel, until

OUTGOING, INCOMING, FORWARD = 16, 17, 18  # src/effects/records.h
FAR = 1 << 40  # ids of copied HTLCs: above those that a channel comes to
PAYMENTS, ROUNDS = 30, 3
CHANNEL_SAT = 10_000_000
IN_FLIGHT = ((1, 40), (10, 150), (25, 250), (50, 400), (200, 800))  # at a time, of so many in a round
WARM_PEERS = 20  # before the first look: what the first few connections allocate is no peer's own


class Build(typing.NamedTuple):
    name: str
    path: pathlib.Path
    network: type


class Paid(typing.NamedTuple):
    ms: list  # processor time per payment, at each node
    per_second: float
    took: list  # seconds, of each payment


def processor_ms(process):
    """Of all its threads, in the kernel's nanoseconds: a tick of 10 ms is longer than a payment."""
    tasks = pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


class Network:
    """Nodes of one build, connected and with coins."""
    most_in_flight, most_peers = 200, 450

    def __init__(self, build, bitcoind, base, roles):
        self.build, self.bitcoind = build.name, bitcoind
        (base / build.name).mkdir(parents=True)
        self.nodes = [Node(name, "", role, build.path, base / build.name, bitcoind, "ldk") for name, role in roles]
        for node in self.nodes:
            node.start()
            bitcoind.call("sendtoaddress", node.cli("newaddress")["address"], 1)
        bitcoind.mine(1)

    def open(self, a, b, amount=CHANNEL_SAT):
        a.cli("connect", f"{b.id}@127.0.0.1:{b.port}")
        counts = [sum(c["usable"] for c in node.cli("listchannels")["channels"]) + 1 for node in (a, b)]
        open_channel(self.bitcoind, a, b, amount, *counts)

    def knows_the_way(self, payer, channels):
        until(f"{payer.name} to learn of {channels} channels", lambda: payer.cli("getinfo")["graph_channels"] >= channels)

    def processor_ms(self, node):
        return processor_ms(node.process)

    def connected(self, node):
        return Api(node)("getinfo")["peers"]  # not listpeers: its answer for 450 peers would leave memory behind

    def pay(self, payer, payee, count, in_flight=1):
        """So many payments of 1,000 sat, `in_flight` at a time."""
        asked = Api(payee)
        invoices = [asked("createinvoice", amount_msat=1_000_000, description="bench")["invoice"] for _ in range(count)]
        before, took, wrong = [self.processor_ms(node) for node in self.nodes], [], []

        def work():
            api = Api(payer)
            try:
                while invoices and not wrong:
                    began = time.monotonic()
                    paid = api("pay", offer=invoices.pop())
                    took.append(time.monotonic() - began)
                    if paid["state"] != "settled":
                        wrong.append(f"a payment ended as {paid}")
            except IndexError:
                pass  # another one took the last invoice
            except Exception as error:  # a thread's error would be printed and forgotten
                wrong.append(str(error))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(in_flight)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(600)
        wall = time.monotonic() - began
        if wrong or len(took) != count:
            raise Wrong(wrong[0] if wrong else f"{len(took)} of {count} payments have ended after 600 s")
        time.sleep(0.3)  # what follows the answer
        return Paid([(self.processor_ms(node) - was) / count for node, was in zip(self.nodes, before)], count / wall, took)

    def restart(self, change):
        """Stops all, changes their databases, starts all. Processor milliseconds of each start, nobody connected yet."""
        usable = lambda: [sum(c["usable"] for c in n.cli("listchannels")["channels"]) for n in self.nodes]
        before = usable()
        for node in self.nodes:
            node.stop(kill=False)
        change()
        for node in self.nodes:
            node.start()
        took = [self.processor_ms(node) for node in self.nodes]
        until("the channels of before", lambda: usable() == before)
        for node in self.nodes:
            until("the chain", lambda: node.synced(self.bitcoind.height()))
        time.sleep(1)
        return took

    def give_past(self, size):
        """Ended payments: made by A, forwarded by B, received by C. The database's copies of before go."""
        a, b, c = self.nodes
        for node in self.nodes:
            forget_copies(node)
        copy_rows(a, OUTGOING, size, outgoing)
        copy_rows(b, FORWARD, size, htlc(1))
        copy_rows(c, INCOMING, size, htlc(33))


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


def middle(rounds):
    return [statistics.median(values) for values in zip(*rounds)]


def show(name, build, what, values):
    print(f"{name:<10} {build:<8} {what:<28} " + "  ".join(values), flush=True)


def line_of_three(builds, bitcoind, base):
    """A – B – C, of each build."""
    networks = []
    for build in builds:
        net = build.network(build, bitcoind, base, [("A", "server"), ("B", "server"), ("C", "server")])
        a, b, c = net.nodes
        net.open(a, b)
        net.open(b, c)
        net.knows_the_way(a, 2)
        net.pay(a, c, 3, 1)
        networks.append(net)
    return networks


def history(builds, bitcoind, base, args):
    networks = line_of_three(builds, bitcoind, base / "history")
    sizes = (1_000, args.past)
    costs, starts, memory = {}, {}, {}
    for _ in range(ROUNDS):
        for size in sizes:
            for net in networks:
                a, _, c = net.nodes
                key = net.build, size
                starts.setdefault(key, []).append(net.restart(lambda: net.give_past(size)))
                memory[key] = [memory_mib(node.process) for node in net.nodes]
                net.pay(a, c, 5, 1)
                costs.setdefault(key, []).append(net.pay(a, c, PAYMENTS, 1).ms)
    for net in networks:
        for size in sizes:
            key = net.build, size
            show("history", net.build, f"{size:,} ended payments", [
                "ms per payment A/B/C " + " / ".join(f"{ms:.1f}" for ms in middle(costs[key])),
                "start s " + " / ".join(f"{ms / 1000:.2f}" for ms in middle(starts[key])),
                "RSS MiB " + " / ".join(f"{mib:.0f}" for mib in memory[key])])
        few, many = (middle(costs[net.build, size]) for size in sizes)
        show("history", net.build, f"{sizes[1]:,} over {sizes[0]:,}",
             ["A/B/C " + " / ".join(f"{b / a:.2f} x" for a, b in zip(few, many)) + "   goal 1.1 x"])
    end(networks)


def fwd_tps(builds, bitcoind, base, args):
    """A pays C through B, several payments at a time. The rate is by the clock on the wall: three nodes share it."""
    networks = line_of_three(builds, bitcoind, base / "fwd_tps")
    for in_flight, count in IN_FLIGHT:
        took_part = [net for net in networks if in_flight <= net.most_in_flight]
        paid = {net.build: [] for net in took_part}
        for _ in range(ROUNDS):
            for net in took_part:
                paid[net.build].append(net.pay(net.nodes[0], net.nodes[2], count, in_flight))
        for build, rounds in paid.items():
            ms = middle([one.ms for one in rounds])
            rates = [one.per_second for one in rounds]
            p50, _, p95 = spread([seconds * 1000 for one in rounds for seconds in one.took])
            show("fwd_tps", build, f"{in_flight} in flight, {ROUNDS} x {count}", [
                "ms per payment A/B/C " + " / ".join(f"{one:.2f}" for one in ms) + f", sum {sum(ms):.2f}",
                f"per second {statistics.median(rates):.1f} ({min(rates):.1f}–{max(rates):.1f})",
                f"p50 {p50:.0f} ms, p95 {p95:.0f} ms"])
        first, *others = paid
        for other in others:
            pairs = list(zip(paid[first], paid[other]))
            ratios = [("B", [theirs.ms[1] / ours.ms[1] for ours, theirs in pairs]),
                      ("sum", [sum(theirs.ms) / sum(ours.ms) for ours, theirs in pairs]),
                      ("rate", [ours.per_second / theirs.per_second for ours, theirs in pairs])]
            show("fwd_tps", other, f"over {first}", [f"{what} {statistics.median(values):.2f} x "
                 f"({min(values):.2f}–{max(values):.2f})" for what, values in ratios])
    end(networks)


def anonymous_kib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise Wrong("no RssAnon")


def idle_peer(builds, bitcoind, base, args):
    """What a connected peer without a channel costs in user space. The attacker's program has all the connections: it
    says init on each and nothing more."""
    for build in builds:
        each, took = [], []
        for turn in range(ROUNDS):
            net = build.network(build, bitcoind, base / f"idle_peer{turn}", [("M", "server")])
            node = net.nodes[0]
            holders = []

            def hold(count):
                """Anonymous memory with so many more, and the processor time for each."""
                before, used = net.connected(node), net.processor_ms(node)
                holders.append(subprocess.Popen(
                    [str(args.attacker), "pings", f"to={node.id}@{node.port}", f"connections={count}", "pings=0",
                     "then=stay", "seconds=50"], stdout=subprocess.DEVNULL))
                demo.running.append(holders[-1])
                until(f"{count} connections", lambda: net.connected(node) >= before + count)
                used = (net.processor_ms(node) - used) / count
                time.sleep(3)
                if net.connected(node) < before + count:
                    raise Wrong("a connection was given up")
                return anonymous_kib(node.process), used

            warm, _ = hold(WARM_PEERS)
            count = net.most_peers - WARM_PEERS
            full, used = hold(count)
            each.append((full - warm) / count)
            took.append(used)
            for holder in holders:
                holder.kill()
                holder.wait()
                demo.running.remove(holder)
            end([net])
        show("idle_peer", build.name, f"{count} peers, {ROUNDS} nodes", [
            f"KiB each {statistics.median(each):.2f} ({min(each):.2f}–{max(each):.2f})   goal 2.5",
            f"ms to connect one {statistics.median(took):.1f}"])


def end(networks):
    """Orderly, and out of the way of the next row."""
    for net in networks:
        for node in net.nodes:
            process = node.process
            process.terminate()
            process.wait(timeout=demo.PATIENCE_S)
            demo.running.remove(process)


def holds(builds, bitcoind, base, args):
    networks = []
    for build in builds:
        net = build.network(build, bitcoind, base / "holds",
                            [("S", "client"), ("U", "server"), ("L", "server"), ("M", "server"), ("R", "client")])
        s, u, l, m, r = net.nodes
        for a, b in ((s, l), (u, l), (l, m), (m, r)):
            net.open(a, b)
        net.knows_the_way(s, 2)
        net.knows_the_way(u, 2)
        r.cli("asyncjoin", m.cli("asyncinvite", "phone")["link"])
        offer = r.cli("createoffer", "--async", "--description", "bench")["offer"]
        r.stop(kill=False)
        net.nodes.remove(r)
        if Api(s)("pay", offer=offer, amount_msat=1_000_000)["state"] != "notified":
            raise Wrong("the payment is not held")
        net.pay(u, m, 3)
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
                net.pay(u, m, 5)
                costs.setdefault(key, []).append([net.pay(u, m, PAYMENTS).ms[net.nodes.index(l)]])
    for net in networks:
        for count in (0, args.held):
            key = net.build, count
            show("holds", net.build, f"{count:,} held", [f"ms per payment at L {middle(costs[key])[0]:.1f}",
                                                         f"start s {middle(starts[key])[0] / 1000:.2f}",
                                                         f"RSS MiB {memory[key]:.0f}"])
        few, many = (middle(costs[net.build, count])[0] for count in (0, args.held))
        show("holds", net.build, f"{args.held:,} over none",
             [f"{many / few:.2f} x   goal 1.1 x",
              f"KiB each {(memory[net.build, args.held] - memory[net.build, 0]) * 1024 / args.held:.1f}"])
    end(networks)


def count_in_log(node, event):
    return (node.folder / "log").read_text().count(f" {event} ")


def storm(builds, bitcoind, base, args):
    """Many holds for several recipients, all of which wake at once."""
    for build in builds:
        payers = [f"S{i}" for i in range(args.payers)]
        recipients = [f"R{i}" for i in range(args.recipients)]
        net = build.network(build, bitcoind, base / "storm", [("L", "server"), ("M", "server")] +
                            [(name, "client") for name in payers + recipients])
        l, m = net.nodes[:2]
        s, r = net.nodes[2:2 + len(payers)], net.nodes[2 + len(payers):]
        net.open(l, m)
        for node in s:
            net.open(node, l)
        for node in r:
            net.open(m, node, 2_000_000)
        for node in s:
            net.knows_the_way(node, 1)
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


def sizes(parser):
    parser.add_argument("--past", type=int, default=100_000, help="payments of the larger past")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="a folder with doze and dozed")
    parser.add_argument("--against", help="another one, measured in turn")
    parser.add_argument("--attacker", help="the attacker's program, for idle_peer; BUILD/attacker by default")
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True)
    sizes(parser)
    parser.add_argument("--held", type=int, default=9_900)
    parser.add_argument("--payers", type=int, default=4)
    parser.add_argument("--recipients", type=int, default=16)
    parser.add_argument("--holds", type=int, default=60, help="for each recipient")
    parser.add_argument("--patience", type=int, default=60, help="seconds that a storm is watched")
    parser.add_argument("rows", nargs="*", help="history, holds, storm, fwd_tps, idle_peer; default: all")
    args = parser.parse_intermixed_args()
    args.attacker = pathlib.Path(args.attacker or pathlib.Path(args.build) / "attacker").resolve()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    builds = [Build(name, pathlib.Path(path).resolve(), Network)
              for name, path in (("this", args.build), ("against", args.against)) if path]
    rows = {"history": history, "holds": holds, "storm": storm, "fwd_tps": fwd_tps, "idle_peer": idle_peer}
    for name in args.rows:
        if name not in rows:
            parser.error(f"there is no row {name}: {', '.join(rows)}")
    try:
        bitcoind = Bitcoind(args.bitcoind, base / "bitcoind")
        for name, run in rows.items():
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
