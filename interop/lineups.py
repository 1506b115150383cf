"""Line-ups 1 to 5: all mixes of payer, holding LSP, recipient's LSP with server, and recipient."""
import itertools
import time

from demo import Wrong, say, until
from nodes import DOZE, FAILED, LDK, PENDING, SETTLED

amounts = itertools.count(12_000_001, 1_003)  # no two payments of a run have the same, so an amount names a payment

NOT_ENDED = "not ended"


def check(true, otherwise):
    if not true:
        raise Wrong(otherwise)


class Payment:
    """One payment of a line-up, with what the table says about it."""

    def __init__(self, net, s, r, servers, offer=None):
        self.net, self.s, self.r, self.servers = net, s, r, servers
        self.mix = " ".join(n.name for n in (s, *servers, r))
        self.amount = next(amounts)
        self.offer = net.offers[r] if offer is None else offer
        self.hash = self.why = None
        self.result, self.times, self.heights = NOT_ENDED, {}, []

    def pay(self):
        self.heights.append(self.net.bitcoind.height())
        self.began = time.monotonic()
        self.id = self.s.pay(self.offer, self.amount)

    def pay_soon(self):
        """Does not wait for anything. A payment that cannot even begin has ended."""
        self.heights.append(self.net.bitcoind.height())
        self.began = time.monotonic()
        try:
            self.id = self.s.pay_soon(self.offer, self.amount)
        except Wrong as error:
            self.id, self.result, self.why, self.fee = None, FAILED, str(error), None

    def at(self, what, since):
        self.times.setdefault(what, time.monotonic() - since)

    def arrived(self):
        """The hash under which the recipient says that it has got this amount."""
        if self.hash is None and self.r.alive:
            self.hash = next((h for h, msat in self.r.received().items() if msat == self.amount), None)
        return self.hash

    def ended(self):
        if self.id is None or self.result != NOT_ENDED:
            return True
        state = self.s.payment(self.id)
        if state["state"] == PENDING:
            return False
        self.result, self.why, self.fee = state["state"], state["why"], state["fee_msat"]
        self.heights.append(self.net.bitcoind.height())
        if self.result == FAILED:
            self.hash = state["hash"]
        if self.result == SETTLED and state["hash"] and state["hash"] != self.arrived():
            raise Wrong(f"{self.mix}: the payer says {state['hash']}, the recipient {self.hash}")
        return True

    def row(self):
        times = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in self.times.items())
        heights, why = "-".join(map(str, self.heights)), f"  ({self.why})" if self.why else ""
        return f"   {self.mix:<36}{self.result:<10}{(self.hash or '-')[:16]:<18}{heights:<10}{times}{why}"


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
        earned = sum(after[n] - wanted[n] for n in net.servers)
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


def come_back(net, nodes):
    for node in nodes:
        node.kill()
    come(net, nodes)


def held_mixes(net):
    return [Payment(net, s, r, (net.l[l], net.m[m])) for (_, l), s in net.s.items() for (_, m), r in net.r.items()]


def all_announced(net, payments, parked_before):
    for p in payments:
        if p.s.kind == DOZE:
            until(f"{p.mix} to be announced", lambda: p.s.notified(p.id))
    for s in {p.s for p in payments if p.s.kind == LDK}:
        count = sum(p.s is s for p in payments)
        until(f"{s} to announce {count}", lambda: s.announcements() >= count)
    for r in {p.r for p in payments}:
        count = sum(p.r is r for p in payments)
        until(f"{count} announcements for {r}", lambda: any(
            m.parked(r) - parked_before[r, m] >= count for m in net.m.values()))


def pay_all(net, payments):
    """Pays while the recipients are dead, and waits until every announcement lies at a server."""
    leave(net, {p.r for p in payments})
    parked = {(r, m): m.parked(r) for r in {p.r for p in payments} for m in net.m.values()}
    for node in {p.s for p in payments} | set(net.l.values()):
        node.mark()
    for p in payments:
        p.pay()
        p.at("paid", p.began)
    all_announced(net, payments, parked)


def hold_all(net, payments):
    """As `pay_all`; then every payment is held, and the payers die, too."""
    pay_all(net, payments)
    for l in net.l.values():
        count = sum(l.name in p.mix.split() for p in payments)
        until(f"{l} to hold {count}", lambda: l.held() >= count)
    leave(net, {p.s for p in payments})
    say("   all are held, both ends are dead")


def wake_recipients(net, payments):
    woke = time.monotonic()
    come(net, {p.r for p in payments})
    all_arrive(payments, woke)
    say("   all are claimed")


def wake_payers(net, payments):
    woke = time.monotonic()
    come(net, {p.s for p in payments})
    all_end(payments, woke)


def all_settled(payments):
    for p in payments:
        check(p.result == SETTLED, f"{p.mix} is {p.result}: {p.why}")


def line_up_1(net):
    """All 16 mixes held while both ends are dead; the payers still are when the money arrives."""
    before, payments = net.balances(), held_mixes(net)
    hold_all(net, payments)
    wake_recipients(net, payments)
    wake_payers(net, payments)
    all_settled(payments)
    sums_are_exact(net, before, payments)
    return payments


def line_up_2(net):
    """The payer stays online and nobody holds: LDK's payers run without the client role, Doze's with --no-hold."""
    before, payments = net.balances(), held_mixes(net)
    for s in net.payers:
        s.stop()
        s.start("none")
        s.connect_again()
    net.all_usable()
    for l in net.l.values():
        l.mark()
    pay_all(net, payments)
    for l in net.l.values():
        check(l.held() == 0, f"{l} holds {l.held()}")
    say("   all are announced, nothing is held")
    wake_recipients(net, payments)
    all_end(payments, time.monotonic())
    all_settled(payments)
    sums_are_exact(net, before, payments)
    for s in net.payers:
        s.stop()
        s.start()
        s.connect_again()
    net.all_usable()
    return payments


NIGHT_BLOCKS = 100


def line_up_3(net):
    """Held through a night. Doze's payers give the hold its own blocks; LDK's only what the shadow offset of the route
    happens to leave (2 + 40, 80 or 120 blocks), so a part of theirs comes back: refused by the recipient, nobody
    loses."""
    before, payments = net.balances(), held_mixes(net)
    hold_all(net, payments)
    net.mine(NIGHT_BLOCKS)
    say(f"   {NIGHT_BLOCKS} blocks later the recipients wake")
    woke = time.monotonic()
    come(net, net.recipients)
    all_arrive([p for p in payments if p.s.kind == DOZE], woke)
    wake_payers(net, payments)
    all_settled([p for p in payments if p.s.kind == DOZE])
    for p in payments:
        p.arrived()
    sums_are_exact(net, before, payments)
    net.all_usable()
    return payments


def line_up_4(net):
    """The static-invoice server is not the recipient's LSP, and of the other kind."""
    before = net.balances()
    payments = [Payment(net, s, r, (net.l[l], net.m[k], net.server_of[r])) for (_, l), s in net.s.items()
                for k, r in net.apart.items()]
    hold_all(net, payments)
    wake_recipients(net, payments)
    wake_payers(net, payments)
    all_settled(payments)
    sums_are_exact(net, before, payments)
    return payments


def line_up_5_two(net):
    """Two held payments at once over one channel, and kill -9 of each process in turn while they are held. LDK keeps
    mail in memory and never announces again, so its payers use Doze's M only (see `lost_mail`); Doze's announce again
    when they are back."""
    before = net.balances()
    payments = [p for p in held_mixes(net) + held_mixes(net) if p.s.kind == DOZE or net.server_of[p.r].kind == DOZE]
    hold_all(net, payments)
    come(net, net.payers)
    for node in net.servers + net.payers:
        node.kill()
        node.start()
        net.connect_all()
        net.all_usable()
    announced_again(net, payments)
    say("   every payer and every server has died and come back")
    wake_recipients(net, payments)
    all_end(payments, time.monotonic())
    all_settled(payments)
    sums_are_exact(net, before, payments)
    return payments


def announced_again(net, payments):
    """By Doze's payers, where the mail has died with LDK's M."""
    for p in payments:
        if p.s.kind == DOZE and net.server_of[p.r].kind == LDK:
            until(f"{p.mix} to be announced again", lambda: net.server_of[p.r].parked(p.r, since_start=True) >= 1)


def die_midway(net, payments):
    """Each recipient wakes and is killed: Doze's when it has heard of a payment and is about to answer, LDK's (whose only
    answer is lost with it) when a holder has that answer; it claims nothing in the first 2 s after its start."""
    claimed = 0
    for r in sorted({p.r for p in payments}, key=str):
        held = holding(net)
        come(net, [r])
        until(f"{r} to release", r.told if r.kind == DOZE else lambda: holding(net) < held)
        claimed += sum(p.arrived() is not None for p in payments if p.r is r)
        r.kill()
    say(f"   every recipient has died in the middle of its release, {claimed} of {len(payments)} were claimed by then")


def recipients_die(net):
    """kill -9 of each recipient in the middle of its release. With Doze's M every payment settles: it delivers its mail
    again, and waits for the recipient with an HTLC that it forwards. LDK's M hands its mail out once, and fails an HTLC
    back whose next peer is gone (ln/channelmanager.rs:4951), also where all four are LDK; what LDK's payers have lost so
    comes back by its deadline, and Doze's announce again when they come back."""
    before, payments = net.balances(), held_mixes(net)
    hold_all(net, payments)
    come(net, net.payers)
    die_midway(net, payments)
    woke = time.monotonic()
    come(net, net.recipients)
    all_arrive([p for p in payments if net.server_of[p.r].kind == DOZE], woke)
    come_back(net, {p.s for p in payments if p.s.kind == DOZE and not p.arrived()})
    all_end([p for p in payments if p.s.kind == DOZE], woke)
    say(f"   what LDK lost came back within {fail_back(net)} blocks")
    all_end([p for p in payments if p.s.kind == LDK], woke)
    all_settled([p for p in payments if net.server_of[p.r].kind == DOZE])
    nothing_on_chain(net)
    sums_are_exact(net, before, payments)
    return payments


def holding(net):
    return sum(l.holding() for l in net.l.values())


def fail_back(net):
    """Mines until nothing is held any more; returns how many blocks that took."""
    mined = 0
    while holding(net):
        check(mined < 700, f"still held after {mined} blocks")
        net.mine(40)  # at once: LDK asks for blocks every 2 s, and what is failed back has 72 blocks left
        mined += 40
    return mined


def nothing_on_chain(net):
    net.all_usable()
    check(not net.bitcoind.call("getrawmempool"), "something went on chain")


def all_failed(payments):
    for p in payments:
        check(p.result == FAILED, f"{p.mix} is {p.result}")


def lost_mail(net):
    """LDK's M dies with the mail, which ldk-node keeps in memory (payment/asynchronous/om_mailbox.rs:12), and LDK's
    payers announce once (ln/channelmanager.rs:11568): theirs stay held and come back by their deadline, also the one of
    four LDK nodes, which is the control. Doze's payers announce again when they come back, and settle."""
    before = net.balances()
    payments = [p for p in held_mixes(net) if net.server_of[p.r].kind == LDK]
    repaired = [p for p in payments if p.s.kind == DOZE]
    lost = [p for p in payments if p.s.kind == LDK]
    hold_all(net, payments)
    for server in (net.m[LDK], net.l[LDK]):
        server.kill()
        server.start()
        net.connect_all()
        net.all_usable()
    come(net, net.payers)
    announced_again(net, payments)
    say("   the mail is lost; all payers are back, and Doze's have announced again")
    wake_recipients(net, repaired)
    all_end(repaired, time.monotonic())
    all_settled(repaired)
    check(holding(net) == len(lost), f"{holding(net)} are held, not those {len(lost)} of LDK's payers")
    began = time.monotonic()
    say(f"   LDK's {len(lost)} came back within {fail_back(net)} blocks")
    all_end(lost, began, "back")
    all_failed(lost)
    nothing_on_chain(net)
    sums_are_exact(net, before, payments)
    return payments


def line_up_5_deadline(net):
    """Nobody releases: past the deadline the money is back at the payers, off chain, and every channel is open."""
    before, payments = net.balances(), held_mixes(net)
    hold_all(net, payments)
    say(f"   failed back within {fail_back(net)} blocks")
    wake_payers(net, payments)
    all_failed(payments)
    come(net, net.recipients)
    nothing_on_chain(net)
    sums_are_exact(net, before, payments)
    return payments
