"""Line-up 6, ordinary life: opening, paying, fees, restarts, cut connections and closing between the two."""
import itertools
import random
import time

from demo import Wrong, say, until
from lineups import Payment, all_arrive, all_end, all_settled, check, sums_are_exact
from nodes import DOZE, LDK, SETTLED, DozePeer, LdkPeer

RANDOM_CUTS = 50
numbers = itertools.count(1)


def forwarded_offers(net):
    """Ordinary BOLT 12: every payer pays every recipient, all awake, through every pair of L and M."""
    before = net.balances()
    offers = {r: r.offer(1_000) for r in net.recipients}
    payments = [Payment(net, s, r, (net.l[l], net.m[m]), offers[r])
                for (_, l), s in net.s.items() for (_, m), r in net.r.items()]
    pay_each(net, payments)
    all_settled(payments)
    sums_are_exact(net, before, payments)
    return payments


def pay_each(net, payments):
    for p in payments:
        p.pay()
    began = time.monotonic()
    all_arrive(payments, began)
    all_end(payments, began)


def direct_offers(net):
    """Each LSP and its clients pay each other over their channel: the path of a client's offer begins at its payer, that
    of an LSP of Doze's at itself. LDK's LSP names its peers only, so that paying it may take a way round."""
    before, payments = net.balances(), []
    for (_, l), s in net.s.items():
        lsp = net.l[l]
        payments += [Payment(net, s, lsp, (), lsp.offer(1_000)), Payment(net, lsp, s, (), s.offer(1_000))]
    pay_each(net, payments)
    all_settled(payments)
    sums_are_exact(net, before, payments)
    for p in payments:
        check(p.fee == 0 or p.r is net.l[LDK], f"{p.mix} took a way round, for {p.fee} msat")
    return payments


def bolt11(net):
    """BOLT 11: every payer pays every recipient through every pair of L and M, and each L and its clients each other."""
    before, payments = net.balances(), []
    for (_, l), s in net.s.items():
        payments += [Payment(net, s, r, (net.l[l], net.m[m]), "") for (_, m), r in net.r.items()]
        payments += [Payment(net, s, net.l[l], (), ""), Payment(net, net.l[l], s, (), "")]
    began = time.monotonic()
    for p in payments:
        invoice = p.r.invoice(p.amount)
        p.heights.append(net.bitcoind.height())
        p.began = time.monotonic()
        p.id = p.s.pay_invoice(invoice)
    all_arrive(payments, began)
    all_end(payments, began)
    all_settled(payments)
    sums_are_exact(net, before, payments)
    return payments


def update_fee(net):
    """The estimate rises; Doze asks bitcoind every 30 s, then sends update_fee on every channel that it has opened."""
    opened = [(node, c["peer"], c["feerate"]) for node in net.nodes if node.kind == DOZE
              for c in node.channels() if c["funder"]]
    ldk = {n.id: n for n in net.nodes if n.kind == LDK}
    for _ in range(60):
        for _ in range(5):
            net.bitcoind.call("sendtoaddress", net.bitcoind.address, 0.01, "", "", False, True, None, "unset", None, 40)
        net.bitcoind.mine(1)
        if net.bitcoind.call("estimatesmartfee", 6).get("feerate", 0) > 0.0003:
            break
    else:
        raise Wrong("the estimate does not rise")
    net.synced()
    for node, peer, before in opened:
        if peer in ldk:
            until(f"{ldk[peer]} to have the new fee of {node}", lambda: any(
                c["peer"] == node.id and c["feerate"] > before for c in ldk[peer].channels()))
    return forwarded_offers(net)


class Pair:
    """A Doze and an LDK node alone with each other, a proxy between them."""

    def __init__(self, net, opener, anchors):
        name = f"{'anchors' if anchors else 'static'}-{opener}{next(numbers)}"
        self.net, self.name = net, name
        self.d, self.l = DozePeer(f"Pd-{name}", "client", net), LdkPeer(f"Pl-{name}", "listener", net, anchors)
        self.nodes = (self.d, self.l)
        for node in self.nodes:
            node.start()
            net.nodes.append(node)
        net.fund(self.nodes, 8_000_000)
        self.shears = self.l.proxy.shears
        self.d.connect(self.l)
        a, b = (self.d, self.l) if opener == DOZE else (self.l, self.d)
        net.open([(a, b)], [])
        self.usable()
        self.offers = {n: n.offer(1_000) for n in self.nodes}
        kind = self.d.channel(self.l)["type"]
        check(("anchors" in kind) == anchors, f"{name}: the channel is {kind}")

    def usable(self):
        self.d.connect_again()
        until(f"the channel of {self.name}", lambda: all(n.usable() for n in self.nodes))

    def quiet(self):
        until(f"no HTLC in {self.name}", lambda: self.d.channel(self.l)["htlcs"] == 0)

    def payment(self, s, r):
        return Payment(self.net, s, r, (), self.offers[r])

    def each_way(self):
        payments = [self.payment(self.d, self.l), self.payment(self.l, self.d)]
        pay_each(self.net, payments)
        all_settled(payments)
        return payments

    def restarts(self):
        payments = self.each_way()
        for node in self.nodes:
            for end in (node.kill, node.stop):
                end()
                node.start()
                self.usable()
                payments += self.each_way()
        return payments

    def has(self, node, wanted):
        """But for the fee of the closing transaction, of which LDK takes the top of the fee_range where the other side
        pays it, and what the opener's balance leaves out for that of the commitment."""
        now = node.onchain_sat()
        if abs(now - wanted) > 60_000:
            raise Wrong(f"{node} has {now:,} sat on chain, not {wanted:,}")
        return True

    def close(self, closer):
        """Cooperatively; both get on chain what the channel said, but for the fee."""
        before = {n: n.onchain_sat() for n in self.nodes}
        had = {n: n.balance() // 1000 for n in self.nodes}
        closer.close(closer.channels()[0]["id"])
        until("the closing transaction", lambda: self.net.bitcoind.call("getrawmempool"))
        self.net.mine(6)
        for n in self.nodes:
            until(f"{n} to have its coins", lambda: self.has(n, before[n] + had[n]))
        until("no channel at LDK", lambda: not self.l.channels())


def pairs(net):
    payments = []
    for opener in (DOZE, LDK):
        for anchors in (True, False):
            pair = Pair(net, opener, anchors)
            payments += pair.restarts()
            pair.close(pair.l if opener == DOZE else pair.d)
            say(f"   {pair.name}: opened, paid, restarted, closed by {LDK if opener == DOZE else DOZE}")
            end(net, pair)
    return payments


def end(net, pair):
    for node in pair.nodes:
        node.stop()
        net.nodes.remove(node)


def go_on(pair, payment):
    """Until the payment has ended, the connection is made again whenever it is gone. LDK asks for an invoice once or
    twice, then gives up after one or two ticks of 60 s: a payment that waits for that is left to itself."""

    def ended():
        if not pair.d.connected(pair.l):
            try:
                pair.d.connect_again()
            except Wrong:
                pass
        if payment.ended():
            return True
        asked_in_vain = payment.s.kind == LDK and pair.shears.left is None and time.monotonic() > payment.began + 5
        return asked_in_vain and pair.d.channel(pair.l)["htlcs"] == 0

    until(f"the end of {payment.mix}", ended)


def cuts(net):
    """The connection is cut after the n-th chunk of a payment, n = 1, 2, ... until a payment is through uncut; then 50
    times at random with payments both ways. Every payment ends, the sums are exact."""
    pair, payments = Pair(net, DOZE, True), []
    before = {n: n.balance() for n in pair.nodes}

    def pay(s, r, chunks):
        payments.append(pair.payment(s, r))
        pair.shears.cut_after(chunks)
        payments[-1].pay_soon()
        go_on(pair, payments[-1])

    for s, r in ((pair.d, pair.l), (pair.l, pair.d)):
        n, cut = 0, True
        while cut:
            n, cuts_before = n + 1, pair.shears.cuts
            pay(s, r, n)
            pair.shears.cut_after(None)
            pair.usable()
            pair.quiet()
            cut = pair.shears.cuts > cuts_before
        say(f"   {s} pays {r}: cut after each of {n - 1} chunks, through with the {n}th")
    chance, target = random.Random(net.seed), pair.shears.cuts + RANDOM_CUTS
    while pair.shears.cuts < target:
        pay(*chance.sample(pair.nodes, 2), chance.randint(1, 30))
    say(f"   {RANDOM_CUTS} cuts at random")
    pair.shears.cut_after(None)
    pair.usable()
    pair.quiet()
    for p in payments:
        until(f"the end of {p.mix}", p.ended, 150)
    until("exact sums", lambda: sums(pair, before, payments))
    pair.close(pair.d)
    end(net, pair)
    return payments


def sums(pair, before, payments):
    wanted = dict(before)
    for p in payments:
        if p.result == SETTLED:
            wanted[p.s] -= p.amount + p.fee
            wanted[p.r] += p.amount
    return all(n.balance() == wanted[n] for n in pair.nodes)
