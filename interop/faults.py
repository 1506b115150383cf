"""Connections between Doze and LDK are cut at random while payments are announced, held, released and claimed."""
import collections
import random
import time

from demo import Wrong, say, until
from lineups import check, come_back, fail_back, held_mixes, holding, leave, nothing_on_chain, sums_are_exact
from nodes import DOZE, FAILED, LDK
from proxy import Shears

CUTS = 50
PAYING, HELD, WAKING = "paying and announcing", "held", "releasing and claiming"
LIMITS = {PAYING: 15, HELD: 20, WAKING: CUTS}  # cuts up to the end of the phase, in the first round
CHUNKS = {PAYING: 30, WAKING: 6}  # between two cuts at most
REPEATED_S = 15  # Doze repeats what may be lost after 2 and after 10 s
# LDK drops what it has for a node two ticks of 10 s after a dial that failed, and dials no sooner (onion_message/
# messenger.rs:2345): what comes meanwhile is lost, too.
LDK_DIALS_AGAIN_S = 30
LDK_GIVES_UP_S = 10  # a request for an invoice that was lost so long ago is looked at only at LDK's ticks of 60 s


class Cutter:
    """Cuts, and connects again: LDK by itself dials every 60 s only."""

    def __init__(self, net):
        self.net, self.chance = net, random.Random(net.seed)
        self.shears, self.lost, self.cuts = Shears(self.mixed), [], collections.Counter()
        for server in net.servers:
            server.proxy.shears = self.shears

    def ends(self, connection):
        """The two nodes, the one that dialled first."""
        a = next((n for n in self.net.nodes if n.process is not None and n.process is connection.dialler), None)
        return a, next(n for n in self.net.servers if n.proxy is connection.proxy)

    def mixed(self, connection):
        a, b = self.ends(connection)
        return a is not None and a.kind != b.kind

    def count(self):
        return sum(self.cuts.values())

    def gone(self, phase, connection):
        self.cuts[phase] += 1
        a, b = self.ends(connection)
        if a is not None:
            self.lost.append((a, b) if b in a.peers else (b, a))  # Doze's M may have dialled L

    def cut_now(self, phase):
        """One connection, whether anything passes or not."""
        found = [c for server in self.net.servers for c in list(server.proxy.connections) if self.mixed(c)]
        connection = self.chance.choice(sorted(found, key=lambda c: [n.name for n in self.ends(c)]))
        connection.cut()
        self.gone(phase, connection)

    def step(self, phase, limit):
        """To be called all the time: counts the last cut, connects again, and prepares the next one, up to so many."""
        if self.shears.victim is not None:
            self.gone(phase, self.shears.victim)
            self.shears.victim = None
        self.connect()
        if self.shears.left is None and self.count() < limit:
            self.shears.cut_after(self.chance.randint(1, CHUNKS[phase]))
        return True

    def stop(self, phase):
        self.shears.cut_after(None)
        self.step(phase, 0)

    def connect(self):
        """Each cut connection that the network was set up with."""
        for a, b in list(self.lost):
            try:
                if a.alive and b.alive and b in a.peers:
                    a.dial(b)
                self.lost.remove((a, b))
            except Wrong:
                pass  # cut again, or not up yet

    def all_usable(self):
        def step():
            self.connect()
            return all(self.net.usable(node) for node in self.net.nodes)

        until("all channels after the cuts", step)


def told(payment):
    """Whether its announcement has left, or can not any more before LDK's next tick."""
    if payment.ended() or payment.s.kind == DOZE and payment.s.notified(payment.id):
        return True
    waits_in_vain = time.monotonic() > payment.began + LDK_GIVES_UP_S
    return payment.s.kind == LDK and (payment.s.announcements() >= payment.s.paying or waits_in_vain)


def one_round(net, cutter, limits):
    payments = [p for p in held_mixes(net) if len({n.kind for n in (p.s, *p.servers, p.r)}) == 2]
    leave(net, net.recipients)
    for node in net.payers + list(net.l.values()):
        node.mark()
    for s in net.payers:
        s.paying = sum(p.s is s for p in payments)
    for p in payments:
        cutter.step(PAYING, limits[PAYING])
        p.pay_soon()
    until("the announcements", lambda: cutter.step(PAYING, limits[PAYING]) and all([told(p) for p in payments]))
    cutter.stop(PAYING)
    cutter.all_usable()
    say(f"   {holding(net)} are held after {cutter.count()} cuts")
    while cutter.count() < limits[HELD]:
        cutter.cut_now(HELD)
        cutter.all_usable()
    woke = time.monotonic()
    for r in net.recipients:
        r.start()
        cutter.lost += [(r, peer) for peer in r.peers]

    def over():
        """All have ended, or nothing moves any more before somebody comes back."""
        cutter.step(WAKING, limits[WAKING])
        for p in payments:
            if p.ended():
                p.at("ended", woke)
        return all("ended" in p.times for p in payments) or time.monotonic() > woke + REPEATED_S

    until("the releases", over)
    cutter.stop(WAKING)
    cutter.all_usable()
    return payments, woke


def payers_come_back(net, payments, woke):
    while waiting := [p for p in payments if not p.ended()]:
        check(time.monotonic() < woke + 5 * LDK_DIALS_AGAIN_S, "no end: " + ", ".join(p.mix for p in waiting))
        come_back(net, {p.s for p in waiting})
        try:
            until("the end", lambda: all([p.ended() for p in waiting]), LDK_DIALS_AGAIN_S)
        except Wrong:
            pass
    for p in payments:
        if "ended" not in p.times:
            p.at("ended after its payer came back", woke)


def held_cuts(net):
    """50 cuts. A payment whose recipient's answer was lost is announced again when Doze's payer comes back. What LDK
    loses ends without loss: an invoice request at its ticks of 60 s, an announcement or answer, which it sends once, by
    the deadline of the hold; a released HTLC fails back if LDK finds the next peer gone."""
    say(f"   seed {net.seed}")
    before, cutter = net.balances(), Cutter(net)
    try:
        payments = all_rounds(net, cutter)
    finally:
        for server in net.servers:
            server.proxy.shears = Shears()
    say("   cuts: " + ", ".join(f"{count} {phase}" for phase, count in cutter.cuts.items()))
    waiting = [p for p in payments if not p.ended()]
    began = time.monotonic()
    say(f"   what LDK lost came back within {fail_back(net)} blocks")
    until("the end of all", lambda: all([p.ended() for p in waiting]), 150)
    for p in waiting:
        p.at("back", began)
    for p in payments:
        check(p.result != FAILED or LDK in {n.kind for n in (p.s, *p.servers)},
              f"{p.mix} failed, where LDK only receives: {p.why}")
    nothing_on_chain(net)
    sums_are_exact(net, before, payments)
    return payments


def all_rounds(net, cutter):
    payments = []
    while cutter.count() < CUTS:
        limits = {phase: min(CUTS, cutter.count() + limit) for phase, limit in LIMITS.items()}
        made, woke = one_round(net, cutter, limits)
        payments += made
        payers_come_back(net, [p for p in made if p.s.kind == DOZE], woke)
        say(f"   {sum(p.result == FAILED for p in payments)} failed, {sum(not p.ended() for p in payments)} wait")
    return payments
