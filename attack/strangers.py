"""Attacks by strangers: no channel, no money, as many node ids as they like."""
import resource
import subprocess
import time

import demo
from bench import cpu_seconds, memory_mib
from demo import Wrong, until
from field import Api, Watch, alive, attack, begin, channel_of, check, connected, payments, scid_number, target
from proxy import Proxy


def a1_writer(field):
    """A peer that makes the node write a lot, reads nothing, and ends: its own sending side only, or the connection."""
    m = field.node("M", "server")
    for then, connections in (("half-close", 20), ("close", 100)):
        attack(field, "pings", to=target(m), connections=connections, then=then)
        alive(m)


def a4_openings(field):
    """150 openings that come to nothing, then an honest channel and its mutual close: the words find all the money."""
    a, b = field.node("A", "server"), field.node("B", "server")
    field.with_coins(a)
    numbers, _ = attack(field, "openings", to=target(a), count=150)
    field.says("openings granted", numbers.get("accepted", 0))
    a.api("connect", peer=f"{b.id}@127.0.0.1:{b.port}")
    field.channel(a, b, 1_000_000)
    a.api("closechannel", channel_id=channel_of(a, b)["channel_id"])
    until("the closing transaction", lambda: field.bitcoind.call("getrawmempool"))
    field.mine(6)
    has = lambda node: node.api("listfunds")["confirmed_sat"]
    before = until("A's money", lambda: has(a) > 9_000_000 and has(a))
    a.stop(False)
    words = (a.folder / "seed").read_text()
    a.folder.rename(field.base / "A-lost")
    done = subprocess.run(
        [str(field.build / "doze"), "--datadir", str(a.folder), "init", "--listen-port", str(a.port), "--rpc-port",
         str(a.rpc), "--bitcoind-port", str(field.bitcoind.port), "--bitcoind-cookie", str(field.bitcoind.cookie),
         "--restore"], input=words, capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"not restored: {done.stderr}")
    field.wakes(a)
    until("A to have read the chain", lambda: a.synced(field.bitcoind.height()))
    field.says("sat before", before)
    field.says("sat found", has(a))
    check(has(a) == before, "money is missing")


def b1_unread_pongs(field):
    """150 strangers ask for long pongs and read nothing."""
    m = field.node("M", "server")
    with Watch(m, ask=True) as watch:
        attack(field, "pings", to=target(m), connections=150, seconds=3)
    field.says("M grew by MiB", watch.growth)
    alive(m)
    check(watch.growth <= 100, "memory")


class Slow(Proxy):
    """A way of 300 ms for each step."""
    def pump(self, connection, source, sink):
        try:
            while chunk := source.recv(65_536):
                time.sleep(0.3)
                sink.sendall(chunk)
        except OSError:
            pass
        connection.cut()


def b2_silent_connections(field):
    """1,000 connections a second that say nothing, from one address and from 200: a peer with a channel gets in."""
    s, l = field.node("S", "client"), field.node("L", "server")
    field.with_coins(s)
    s.api("connect", peer=f"{l.id}@127.0.0.1:{l.port}")
    field.channel(s, l)
    s.api("disconnect", node_id=l.id)
    slow = Slow(l.port)
    for spread in (1, 200):
        flood = begin(field, "silent", port=l.port, rate=1_000, seconds=25, spread=spread)
        time.sleep(1)
        began = time.monotonic()
        while not connected(l, s):
            check(time.monotonic() - began < 15, f"not in after 15 s, with silence from {spread} addresses")
            try:
                s.api("connect", peer=f"{l.id}@127.0.0.1:{slow.port}")
            except Wrong:
                pass  # it is tried again
        field.says("in after s", time.monotonic() - began)
        flood.kill()
        s.api("disconnect", node_id=l.id)


def with_large_graph(field, node):
    """Stops the node, gives it 40,000 channels, starts it; gives one of the graph's nodes."""
    node.stop(False)
    _, lines = attack(field, "graph", folder=node.folder, channels=40_000, self=node.id)
    field.wakes(node)
    check(node.api("getinfo")["graph_channels"] >= 40_000, "the graph was not read")
    return lines[0]


def b3_gossip_questions(field):
    """Questions whose answer is empty, on a graph of 40,000 channels."""
    m = field.node("M", "server")
    with_large_graph(field, m)
    for kind, count in (("range", 198), ("filter", 99)):
        before = cpu_seconds(m.process)
        attack(field, "questions", to=target(m), kind=kind, count=count)
        each = (cpu_seconds(m.process) - before) / count * 1000
        field.says(f"ms for one {kind}", each)
        check(each <= 0.5, f"{kind}: too dear")


def b4_searches(field):
    """Requests whose answers go far into a graph of 40,000 channels, with which no peer is connected."""
    m = field.node("M", "server")
    offer = m.api("createoffer", amount_msat=1_000, description="x")["offer"]
    far = with_large_graph(field, m)
    count = 40
    with Watch(m, ask=True) as watch:
        attack(field, "requests", to=target(m), offer=offer, count=count, introduction=far, listen=1)
        time.sleep(1)
        Api(m)("getinfo")
    field.says("CPU s", watch.cpu)
    field.says("slowest answer s", watch.slowest)
    check(watch.cpu <= 2 and watch.slowest <= 5, "too dear")


def b6_mailbox(field):
    """1,000 fresh ids leave a message each for a sleeping recipient: a payer without a channel to its server gets in."""
    s, l, m, r = field.line()
    offer = field.async_offer(r, m)
    field.sleeps(r, m)
    numbers, _ = attack(field, "announcements", to=target(m), offer=offer, ids=1_000)
    field.says("messages taken", numbers["taken"])
    paid = s.api("pay", offer=offer, amount_msat=1_000_000)
    check(paid["state"] == "notified" and paid["safe_to_sleep"], f"pay says {paid['state']}")
    field.wakes(r)
    until("the payment to settle", lambda: payments(s)[0]["state"] == "settled")


def b7_client_by_claim(field):
    """A funding_created for an output that does not exist makes nobody a client: the allowance stays a stranger's."""
    m = field.node("M", "server")
    offer = m.api("createoffer", amount_msat=1_000, description="x")["offer"]
    numbers, _ = attack(field, "requests", to=target(m), offer=offer, count=300, unfunded=1)
    field.says("answers", numbers.get("answers", 0))
    check(numbers.get("answers", 0) <= 120, "more than a stranger gets")


def b10_amplification(field):
    """Requests for a static invoice of the draft's profile with a long description: 96, then more."""
    l, m, r = field.node("L", "server"), field.node("M", "server"), field.node("R", "client")
    field.with_coins(m)
    r.api("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
    field.channel(m, r)
    r.api("asyncjoin", link=m.api("asyncinvite", label="phone", profile="draft")["link"])
    offer = r.api("createoffer", **{"async": True, "description": "x" * 180, "profile": "draft"})["offer"]
    field.sleeps(r, m)
    sent = received = 0
    for _ in range(10):
        numbers, _ = attack(field, "requests", to=target(m), offer=offer, count=96, listen=3)
        sent, received = sent + numbers["sent"], received + numbers["received"]
    field.says("bytes sent", sent)
    field.says("received", received)
    check(received <= 4 * sent, "an amplifier")


def b11_repeated_ids(field):
    """query_short_channel_ids with one id 8,000 times."""
    l, m = field.node("L", "server"), field.node("M", "server")
    field.with_coins(l)
    l.api("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
    field.channel(l, m)
    until("the channel to be announced", lambda: l.api("getinfo")["graph_channels"] >= 1)
    numbers, _ = attack(field, "questions", to=target(l), kind="ids", count=1,
                        scid=scid_number(channel_of(l, m)["short_channel_id"]))
    field.says("bytes sent", numbers["sent"])
    field.says("received", numbers["received"])
    check(numbers["received"] <= 2 * numbers["sent"], "an amplifier")


def crowd(field):
    """500 strangers of mixed kinds at a time, each with as much as it can hold, and 150 handshakes, on a large graph."""
    m, r = field.node("M", "server"), field.node("R", "client")
    field.with_coins(m)
    r.api("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
    field.channel(m, r)
    offer = field.async_offer(r, m)
    field.sleeps(r, m)
    with_large_graph(field, m)
    with Watch(m, ask=True) as watch:
        numbers, _ = attack(field, "crowd", to=target(m), offer=offer, connections=500, handshakes=150, seconds=15)
    field.says("connections", numbers["connections"])
    field.says("M grew by MiB", watch.growth)
    field.says("slowest answer s", watch.slowest)
    alive(m)
    check(watch.growth <= 256, "memory")
    check(watch.slowest <= 3, "slow")


WARM_ROUNDS = 20


def mix(field, minutes=1):
    """500 hostile connections that come again, against R's server with 512 MiB, while R sleeps, wakes and is paid."""
    demo.PATIENCE_S = 120
    s, l, m, r = field.line()
    offer = field.async_offer(r, m)
    m.stop(False)
    m.dozed_limits = lambda: resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20))
    field.wakes(m)
    until("M's channels", lambda: all(c["usable"] for c in m.api("listchannels")["channels"]))

    def paid_while_asleep():
        began = time.monotonic()
        field.sleeps(r, m)
        held = [s.api("pay", offer=offer, amount_msat=400_000) for _ in range(3)]
        field.wakes(r)
        for one in held:
            until("a payment to settle",
                  lambda: s.api("getpayment", payment_id=one["payment_id"])["state"] == "settled", 60)
        time.sleep(max(0, 1.2 - (time.monotonic() - began)))  # S has coins for 30 minutes of that

    for _ in range(WARM_ROUNDS if minutes > 1 else 1):  # caches fill with the first payments, attack or not
        paid_while_asleep()
    before, end, rounds = memory_mib(m.process), time.monotonic() + 60 * minutes, 0
    with Watch(m, ask=True) as watch:
        flood = begin(field, "crowd", to=target(m), offer=offer, connections=500, handshakes=50, seconds=60 * minutes,
                      again=1)
        while time.monotonic() < end:
            paid_while_asleep()
            rounds += 1
        flood.wait(timeout=120)
    field.says("payments", 3 * rounds)
    field.says("M had at most MiB", watch.peak)
    field.says("slowest answer s", watch.slowest)
    alive(m)
    check(watch.slowest <= (1 if minutes > 1 else 5), "an operator waits")
    field.says("M had MiB before and after", f"{before:.0f}, {memory_mib(m.process):.0f}")
    until(f"M's memory to be as before ({before:.0f} MiB)", lambda: memory_mib(m.process) <= 1.1 * before + 2,
          600 if minutes > 1 else 60)
