#!/usr/bin/env python3
"""Benchmarks of the daemons: the network of the demo, measured from outside. Goals are in doc/BENCHMARKS.md.

Prints a line a benchmark and, with --markdown, the table of doc/BENCHMARKS.md. Exit code 0 even if a goal is missed: a
slow machine is no defect. Non-zero only if something did not work.
"""
import argparse
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import demo
from demo import Bitcoind, Node, Wrong, open_channel, say, until

ASYNC_ROUNDS = 30
DIRECT_PAYMENTS = 200
SERVED_REQUESTS = 400
SYNC_PAYMENTS = 10


class Api:
    """One kept HTTP connection: what is measured is the node, not the start of a process."""

    def __init__(self, node):
        self.connection = http.client.HTTPConnection("127.0.0.1", node.rpc, timeout=60)
        self.token = (node.folder / "api-token").read_text().strip()
        self.name = node.name

    def __call__(self, method, **arguments):
        self.connection.request("POST", "/v1/" + method, json.dumps(arguments),
                                {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        body = json.loads(answer.read() or b"{}")
        if answer.status != 200:
            raise Wrong(f"{method} at {self.name}: {body.get('error', {}).get('message', answer.status)}")
        return body


def memory_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise Wrong("no VmRSS")


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def log_times(node, event):
    """Wall-clock seconds of each line of this event in the node's log: its resolution is a millisecond."""
    out = []
    for line in (node.folder / "log").read_text().splitlines():
        if f" {event} " in line:
            stamp = datetime.datetime.strptime(line.split()[0], "%Y-%m-%dT%H:%M:%S.%fZ")
            out.append(stamp.replace(tzinfo=datetime.timezone.utc).timestamp())
    return out


def network(args, base):
    build = pathlib.Path(args.build)
    bitcoind = Bitcoind(args.bitcoind, base / "bitcoind")
    nodes = [Node(name, "", role, build, base, bitcoind, "ldk")
             for name, role in (("S", "client"), ("L", "server"), ("M", "server"), ("R", "client"))]
    s, l, m, r = nodes
    for node in nodes:
        node.start()
    for node in (s, l, m):
        bitcoind.call("sendtoaddress", node.cli("newaddress")["address"], 0.1)
    bitcoind.mine(1)
    s.cli("connect", f"{l.id}@127.0.0.1:{l.port}")
    l.cli("connect", f"{m.id}@127.0.0.1:{m.port}")
    r.cli("connect", f"{m.id}@127.0.0.1:{m.port}")
    idle = [memory_mib(node.process) for node in nodes]
    open_channel(bitcoind, s, l, 5_000_000, 1, 1)
    open_channel(bitcoind, l, m, 5_000_000, 2, 1)
    open_channel(bitcoind, m, r, 5_000_000, 2, 1)
    until("S to learn of the public channel L-M", lambda: s.cli("getinfo")["graph_channels"] >= 1)
    r.cli("asyncjoin", m.cli("asyncinvite", "phone")["link"])
    offer = r.cli("createoffer", "--async", "--description", "bench")["offer"]
    return bitcoind, nodes, offer, idle


def held_payment(s, m, r, m_id, offer, amount=1_000_000):
    """R is away, S pays and L holds; returns the payment id."""
    r("disconnect", node_id=m_id)
    until("R to be gone at M", lambda: not any(p["connected"] for p in m("listpeers")["peers"] if p["node_id"] == r.id))
    paid = s("pay", offer=offer, amount_msat=amount)
    if paid["state"] != "notified":
        raise Wrong(f"pay ended with {paid}")
    return paid["payment_id"]


def settled(s, payment_id):
    ended = s("waitpayment", payment_id=payment_id)
    if ended["state"] != "settled":
        raise Wrong(f"the payment ended as {ended}")


def async_e2e(nodes, apis, offer):
    """From R's connect (before its TCP connection) to the preimage at L, as L's log says."""
    _, l, m, _ = nodes
    api_s, _, api_m, api_r = apis
    took = []
    for _ in range(ASYNC_ROUNDS):
        payment_id = held_payment(api_s, api_m, api_r, m.id, offer)
        count = len(log_times(l, "hold_settled"))
        began = time.time()
        api_r("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
        settled(api_s, payment_id)
        until("the log", lambda: len(log_times(l, "hold_settled")) > count)
        took.append((log_times(l, "hold_settled")[count] - began) * 1000)
    return took


def pay_direct_seq(nodes, apis):
    """S pays its channel peer L over BOLT 12: invoice_request, invoice, HTLC, preimage; one after the other."""
    api_s, api_l = apis[0], apis[1]
    offer = api_l("createoffer", amount_msat=10_000, description="direct")["offer"]
    took = []
    for _ in range(DIRECT_PAYMENTS):
        began = time.perf_counter()
        paid = api_s("pay", offer=offer)
        took.append((time.perf_counter() - began) * 1000)
        if paid["state"] != "settled":
            raise Wrong(f"a direct payment ended as {paid}")
    return took


def si_serve(nodes, apis, offer):
    """Static invoices that M serves per second of its processor time, for an R that is away (one that is there is asked,
    too). L asks, and then cannot pay: it allows no fee."""
    _, _, m, r = nodes
    apis[3]("disconnect", node_id=m.id)
    until("R to be gone at M", lambda: not any(p["connected"] for p in apis[2]("listpeers")["peers"]
                                               if p["node_id"] == r.id))
    before = cpu_seconds(m.process)
    refused = 0
    for _ in range(SERVED_REQUESTS):
        try:
            apis[1]("pay", offer=offer, amount_msat=4_000_000_000, max_fee_msat=0, hold=True)
        except Wrong:
            refused += 1
    used = cpu_seconds(m.process) - before
    apis[3]("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
    if refused != SERVED_REQUESTS:
        raise Wrong("payments without fee were not refused")
    return SERVED_REQUESTS / used


def syncs(nodes, apis, offer):
    """fsync and fdatasync calls of each node for SYNC_PAYMENTS held payments, counted by the kernel's tracer."""
    if shutil.which("strace") is None:
        return None
    s, _, m, _ = nodes
    folder = s.folder.parent
    tracers = []
    for node in nodes:
        out = folder / f"strace-{node.name}"
        tracer = subprocess.Popen(["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(out), "-p",
                                   str(node.process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if "attached" not in tracer.stderr.readline():
            return None
        tracers.append((tracer, out))
    for _ in range(SYNC_PAYMENTS):
        payment_id = held_payment(apis[0], apis[2], apis[3], m.id, offer)
        apis[3]("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
        settled(apis[0], payment_id)
    time.sleep(0.5)
    counts = {}
    for node, (tracer, out) in zip(nodes, tracers):
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=10)
        counts[node.name] = len(re.findall(r"f(?:data)?sync\(", out.read_text())) / SYNC_PAYMENTS
    return counts


def spread(values):
    ordered = sorted(values)
    at = lambda part: ordered[min(len(ordered) - 1, int(len(ordered) * part))]
    return statistics.median(ordered), at(0.05), at(0.95)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    total = int(open("/proc/meminfo").readline().split()[1]) // 1024 // 1024
    compiler = subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return f"{model}, {os.cpu_count()} cores, {total} GiB; Linux {platform.release().split('-')[0]}, g++ {compiler}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--markdown", help="write the table to this file")
    args = parser.parse_args()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    rows = []

    def row(name, what, value, goal, met):
        say(f"{name:<18}{value}   goal {goal}{'' if met else '   MISSED'}")
        rows.append(f"| `{name}` | {what} | {value} | {goal} | {'yes' if met else '**no**'} |")

    try:
        bitcoind, nodes, offer, idle = network(args, base)
        apis = [Api(node) for node in nodes]
        for node, api in zip(nodes, apis):
            api.id = node.id
        row("idle memory", "resident memory of each node after its start, connected",
            f"{max(idle):.1f} MiB at most ({min(idle):.1f}–{max(idle):.1f})", "≤ 20 MiB", max(idle) <= 20)
        middle, low, high = spread(async_e2e(nodes, apis, offer))
        row("async_e2e", f"R's connect → preimage at L, {ASYNC_ROUNDS} held payments",
            f"p50 {middle:.1f} ms (p5 {low:.1f}, p95 {high:.1f})", "p50 ≤ 50 ms", middle <= 50)
        middle, low, high = spread(pay_direct_seq(nodes, apis))
        row("pay_direct_seq", f"{DIRECT_PAYMENTS} BOLT 12 payments to the channel peer, one after the other",
            f"p50 {middle:.1f} ms (p5 {low:.1f}, p95 {high:.1f})", "p50 ≤ 10 ms", middle <= 10)
        rate = [si_serve(nodes, apis, offer)]
        row("si_serve", f"static invoices per second of M's processor time, {SERVED_REQUESTS} requests",
            f"{rate[0]:,.0f}/s/core", "≥ 1,000/s/core", rate[0] >= 1000)
        counts = syncs(nodes, apis, offer)
        if counts is None:
            say("disk syncs        not counted: strace is missing or may not attach")
        else:
            text = ", ".join(f"{name} {count:.1f}" for name, count in counts.items())
            row("disk syncs", f"fsync + fdatasync of a held payment, mean of {SYNC_PAYMENTS}", text, "≤ 8 at each node",
                max(counts.values()) <= 8)
        if args.markdown:
            today = datetime.date.today().isoformat()
            pathlib.Path(args.markdown).write_text(
                f"Measured {today} on {machine()}; bitcoind {bitcoind.call('getnetworkinfo')['subversion'].strip('/')}.\n\n"
                "| benchmark | what | median and spread | goal | met |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n")
        return 0
    except Wrong as error:
        print(f"\nbench: {error}\n(logs: {os.path.relpath(base)}/*/log)", file=sys.stderr)
        return 1
    finally:
        demo.end_all()


if __name__ == "__main__":
    sys.exit(main())
