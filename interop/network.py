"""The one network of all line-ups: two L, two M, one S per (kind, L), one R per (kind, M), and two R whose server is
not their LSP. S and R have a single private channel each, so naming S and R names all four kinds."""
import pathlib
import time

import demo
from demo import Bitcoind, Wrong, say, until
from nodes import DOZE, LDK, DozePeer, LdkPeer

KINDS = (DOZE, LDK)
SHORT = {DOZE: "d", LDK: "l"}
CAPACITY_SAT = 5_000_000
PUSH_MSAT = 500_000_000  # both ends of every channel stay above their reserve, so that LDK shows exact balances


class World:
    def __init__(self, args, base):
        self.build, self.ldk_peer, self.base = pathlib.Path(args.build), pathlib.Path(args.ldk_peer), base
        self.bitcoind, self.seed = Bitcoind(args.bitcoind, base / "bitcoind"), args.seed
        self.nodes = []

    def node(self, kind, name, role):
        node = (DozePeer if kind == DOZE else LdkPeer)(name, role, self)
        node.start()
        self.nodes.append(node)
        return node

    def fund(self, nodes, sat):
        for node in nodes:
            self.bitcoind.call("sendtoaddress", node.address(), sat / 1e8)
        self.mine(1)
        for node in nodes:
            until(f"coins at {node}", lambda: node.confirmed_sat() >= sat - 100_000)

    def mine(self, count):
        self.bitcoind.mine(count)
        self.synced()

    def synced(self):
        height = self.bitcoind.height()
        for node in self.nodes:
            if node.alive:
                until(f"{node} at height {height}", lambda: node.height() == height)

    def open(self, pairs, public):
        """Opens channels and gives all of them their six confirmations at once, so that the announcements of all come
        together. An LDK wallet may miss its own transaction in the mempool and spend the same coins again: so each LDK
        node opens one a block."""
        while pairs:
            busy, later = set(), []
            for a, b in pairs:
                if a in busy:
                    later.append((a, b))
                    continue
                before = len(self.bitcoind.call("getrawmempool"))
                a.open(b, CAPACITY_SAT, PUSH_MSAT, (a, b) in public)
                until(f"the funding transaction of {a}-{b}", lambda: len(self.bitcoind.call("getrawmempool")) > before)
                if a.kind == LDK:
                    busy.add(a)
            pairs = later
            self.mine(1 if pairs else 6)

    def connect_all(self):
        for node in self.nodes:
            if node.alive:
                node.connect_again()

    def all_usable(self):
        """Every channel between two nodes that run."""
        for node in self.nodes:
            until(f"all channels of {node}", lambda: self.usable(node))

    def usable(self, node):
        alive = {n.id for n in self.nodes if n.alive}
        channels = node.channels() if node.alive else []
        lacking = [c["peer"] for c in channels if c["peer"] in alive and not c["closed"] and not c["usable"]]
        if lacking:
            raise Wrong(f"{node} not with " + ", ".join(n.name for n in self.nodes if n.id in lacking))
        return True


class Network(World):
    def __init__(self, args, base):
        super().__init__(args, base)
        self.l = {k: self.node(k, "L" + SHORT[k], "server") for k in KINDS}
        self.m = {k: self.node(k, "M" + SHORT[k], "server") for k in KINDS}
        self.s = {(k, l): self.node(k, f"S{SHORT[k]}-L{SHORT[l]}", "client") for k in KINDS for l in KINDS}
        self.r = {(k, m): self.node(k, f"R{SHORT[k]}-M{SHORT[m]}", "client") for k in KINDS for m in KINDS}
        # The recipient's kind and its LSP's are the same, the server is of the other kind.
        self.apart = {k: self.node(k, f"R{SHORT[k]}-M{SHORT[k]}-V", "client") for k in KINDS}
        self.servers = list(self.l.values()) + list(self.m.values())
        self.payers = list(self.s.values())
        self.recipients = list(self.r.values())
        self.server_of = {r: self.m[m] for (_, m), r in self.r.items()}
        for k, r in self.apart.items():
            self.server_of[r] = self.m[DOZE if k == LDK else LDK]
        self.offers = {}

    def set_up(self):
        self.fund(self.servers, 40_000_000)
        self.fund([n for n in self.nodes if n not in self.servers], 8_000_000)
        say("every node has coins")
        for (_, l), s in self.s.items():
            s.connect(self.l[l])
        for l in self.l.values():
            for m in self.m.values():
                l.connect(m)
        for (_, m), r in self.r.items():
            r.connect(self.m[m])
        for k, r in self.apart.items():
            r.connect(self.m[k])
        public = [(l, m) for l in self.l.values() for m in self.m.values()]
        private = [(s, self.l[l]) for (_, l), s in self.s.items()]
        private += [(self.m[m], r) for (_, m), r in self.r.items()] + [(self.m[k], r) for k, r in self.apart.items()]
        before = time.monotonic()
        self.open(public + private, public)
        for node in self.nodes:
            count = sum(node in pair for pair in public + private)
            until(f"{count} usable channels at {node}", lambda: node.usable() >= count)
        say(f"{len(public + private)} channels usable, {time.monotonic() - before:.1f} s")
        for node in self.nodes:  # LDK announces itself at ticks of 30 s, so this takes up to 30 s
            until(f"{node} to know L and M with addresses", lambda: node.graph_knows(self.servers, len(public)))
        say("every node knows all L and M with their addresses")
        # LDK drops a channel_update that comes while it adds the channel, and does not ask again: with the channel in its
        # graph, which an orderly stop writes, what its peers send to a new connection is all it lacks.
        for node in self.nodes:
            if node.kind == LDK:
                node.stop()
                node.start()
                node.connect_again()
        self.all_usable()
        for node in self.nodes:
            until(f"{node} to know both directions", lambda: node.graph_knows(self.servers, len(public), True))
        for r, server in self.server_of.items():
            self.join(r, server)
        say("every R has an async offer")

    def join(self, r, server):
        r.join(server.invite(r.name))
        self.offers[r] = until(f"an async offer of {r} at {server}", r.async_offer)

    def awake(self):
        for node in self.nodes:
            if not node.alive:
                node.start()
        self.connect_all()
        self.all_usable()

    def balances(self):
        return {node: node.balance() for node in self.nodes}
