"""Line-ups 1 and 2: all mixes of payer, holding LSP, recipient's LSP with server, and recipient."""
import itertools
import time

from demo import Wrong, say, until
from nodes import DOZE, FAILED, LDK, PENDING, SETTLED

amounts = itertools.count(1_000_001, 1_003)  # no two payments of a run have the same, so an amount names a payment


def check(true, otherwise):
    if not true:
        raise Wrong(otherwise)


class Payment:
    """One payment of a line-up, with what the table says about it."""

    def __init__(self, net, s, r, servers, offer=None):
        self.net, self.s, self.r = net, s, r
        self.mix = " ".join(n.name for n in (s, *servers, r))
        self.amount = next(amounts)
        self.offer = offer or net.offers[r]
        self.hash = self.why = None
        self.result, self.times, self.heights = "not paid", {}, []

    def pay(self):
        self.heights.append(self.net.bitcoind.height())
        self.began = time.monotonic()
        self.id = self.s.pay(self.offer, self.amount)

    def at(self, what, since):
        self.times.setdefault(what, time.monotonic() - since)

    def arrived(self):
        """The hash under which the recipient says that it has got this amount."""
        if self.hash is None and self.r.alive:
            self.hash = next((h for h, msat in self.r.received().items() if msat == self.amount), None)
        return self.hash

    def ended(self):
        state = self.s.payment(self.id)
        if state["state"] == PENDING:
            return False
        self.result, self.why, self.fee = state["state"], state["why"], state["fee_msat"]
        self.heights.append(self.net.bitcoind.height())
        if self.result == SETTLED and state["hash"] and state["hash"] != self.arrived():
            raise Wrong(f"{self.mix}: the payer says {state['hash']}, the recipient {self.hash}")
        return True

    def row(self):
        times = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in self.times.items())
        return f"   {self.mix:<36}{self.result:<10}{(self.hash or '-')[:16]:<18}{'-'.join(map(str, self.heights)):<10}{times}" + (
            f"  ({self.why})" if self.why else "")


def all_arrive(payments, since):
    waiting = list(payments)

    def step():
        for p in list(waiting):
            if p.arrived():
                p.at("claimed", since)
                waiting.remove(p)
        return not waiting

    try:
        until("the money at the recipients", step)
    except Wrong:
        raise Wrong("these do not arrive: " + ", ".join(p.mix for p in waiting))


def all_end(payments, since, what="payer knows"):
    waiting = list(payments)

    def step():
        for p in list(waiting):
            if p.ended():
                p.at(what, since)
                waiting.remove(p)
        return not waiting

    try:
        until("the payments' end", step)
    except Wrong:
        raise Wrong("these do not end: " + ", ".join(p.mix for p in waiting))


def sums_are_exact(net, before, payments):
    """Each payer paid amount and fee, each recipient got the amount, and all fees are at the servers."""
    fees = sum(p.fee for p in payments if p.result == SETTLED)
    wanted = dict(before)
    for p in payments:
        if p.result == SETTLED:
            wanted[p.s] -= p.amount + p.fee
            wanted[p.r] += p.amount

    def step():
        after = net.balances()
        for node in net.nodes:
            if node not in net.servers and after[node] != wanted[node]:
                raise Wrong(f"{node} has {after[node]:,} msat, not {wanted[node]:,}")
        earned = sum(after[n] - before[n] for n in net.servers)
        if earned != fees:
            raise Wrong(f"the servers earned {earned:,} msat, the payers paid {fees:,}")
        return True

    until("exact sums", step)


def leave(net, nodes, kill=True):
    for node in nodes:
        node.kill() if kill else node.stop()
    for server in net.servers:
        for node in nodes:
            until(f"{node} to be gone at {server}", lambda: not server.connected(node))


def come(net, nodes):
    for node in nodes:
        node.start()
    for node in nodes:
        node.connect_again()


def held_mixes(net):
    return [Payment(net, s, r, (net.l[l], net.m[m])) for (_, l), s in net.s.items() for (_, m), r in net.r.items()]


def all_held(net, payments, parked_before):
    """Every payment is held, and its announcement lies at the recipient's server."""
    for p in payments:
        if p.s.kind == DOZE:
            until(f"{p.mix} to be safe", lambda: p.s.safe_to_sleep(p.id))
    for s in {p.s for p in payments if p.s.kind == LDK}:
        count = sum(p.s is s for p in payments)
        until(f"{s} to announce {count}", lambda: s.announcements() >= count)
    for r in {p.r for p in payments}:
        m = next(m for m in net.m.values() if any(p.r is r and m.name in p.mix.split() for p in payments))
        count = sum(p.r is r for p in payments)
        until(f"{count} announcements for {r} at {m}", lambda: m.parked(r) - parked_before[r] >= count)
    for l in net.l.values():
        count = sum(l.name in p.mix.split() for p in payments)
        until(f"{l} to hold {count}", lambda: l.held() >= count)


def line_up_1(net, kill=True):
    """All 16 mixes held while both ends are dead."""
    before, payments = net.balances(), held_mixes(net)
    leave(net, net.recipients, kill)
    parked = {r: net.m[m].parked(r) for (_, m), r in net.r.items()}
    for s in net.payers:
        s.mark()
    for l in net.l.values():
        l.mark()
    for p in payments:
        p.pay()
        p.at("paid", p.began)
    all_held(net, payments, parked)
    say("   all are held")
    leave(net, net.payers, kill)
    woke = time.monotonic()
    come(net, net.recipients)
    all_arrive(payments, woke)
    say("   all are claimed, the payers still dead")
    woke = time.monotonic()
    come(net, net.payers)
    all_end(payments, woke)
    sums_are_exact(net, before, payments)
    return payments


def line_up_2(net):
    """The payer stays online and nobody holds."""
    before = net.balances()
    payments = [Payment(net, net.s[s, m], r, (net.m[m],)) for s in (DOZE, LDK) for (_, m), r in net.r.items()]
    raise NotImplementedError
