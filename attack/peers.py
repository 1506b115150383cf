"""Attacks by peers with channels: payers, payees and LSPs that are dishonest. The others are not."""
import time

from demo import until
from field import (ADD, FAIL, MALFORMED, ONION_AT, ONION_BYTES, Batch, Payments, Watch, alive, attack, channel_of, check,
                   kind_of, listed, scid_number)

LARGEST_REASON = 65_491  # of update_fail_htlc: a message has 65,535 bytes
ORDINARY_REASON = 292


def invoices(node, count, msat):
    return [{"offer": node.api("createinvoice", amount_msat=msat, description=str(at))["invoice"]} for at in range(count)]


def live(*pairs):
    for a, b in pairs:
        until(f"{a.name}-{b.name} to be usable", lambda: channel_of(a, b)["usable"] and channel_of(b, a)["usable"], 20)


def c1_worthless_payload(field):
    """A payload of length 0 or 1, or one longer than the packet, at the second hop: costs that HTLC and nothing else."""
    s, l, m, _ = field.line("SL")
    scid = scid_number(channel_of(l, m)["short_channel_id"])
    for payload in ("00", "01", "fdffff"):
        def rule(sender, message):
            if sender != "dialler" or kind_of(message) != ADD:
                return [message]
            packet = attack(field, "onion", first=l.id, last=m.id, scid=scid, amount=1_000_000,
                            expiry=int.from_bytes(message[82:86], "big") - 72, hash=message[50:82].hex(), payload=payload)
            onion = bytes.fromhex(packet[1][0])
            return [message[:ONION_AT] + onion + message[ONION_AT + ONION_BYTES:]]
        field.middles[0].rule = rule
        payment = Payments(s, invoices(m, 1, 1_000_000))
        until("the HTLC to be gone, or a channel", lambda: payment.over() or channel_of(l, m)["phase"] != "normal", 20)
        for node, other in ((l, m), (m, l)):
            check(channel_of(node, other)["phase"] == "normal", f"payload {payload}: {channel_of(node, other)['status']}")
        live((l, m), (s, l))
        check(payment.ended()[0]["state"] != "settled", f"payload {payload}: it settled")


def unreadable(reason_bytes):
    """Nobody can read the onions that pass, and the refusals become failures with reasons of this size (0: they do not)."""
    def alter(_, message):
        if kind_of(message) == ADD:
            return message[:ONION_AT + 40] + bytes([message[ONION_AT + 40] ^ 1]) + message[ONION_AT + 41:]
        if kind_of(message) == MALFORMED and reason_bytes:
            return FAIL.to_bytes(2, "big") + message[2:42] + reason_bytes.to_bytes(2, "big") + bytes(reason_bytes)
        return message
    return alter


def fail_together(field, count, msat, reason_bytes):
    """`count` payments reach R in one round and are failed in one; gives what M took meanwhile."""
    s, l, m, r = field.line("RM")
    Batch(field.middles[0], "dialler", count, unreadable(reason_bytes))
    with Watch(m) as watch:
        ended = Payments(s, invoices(r, count, msat)).ended(90)
    check(all(p["state"] == "failed" for p in ended) and len(ended) == count, "not all failed")
    field.says("M grew by MiB", watch.growth)
    field.says("CPU s", watch.cpu)
    for node in (s, l, m):
        alive(node)
    live((s, l), (l, m), (m, r))
    return watch


def a2_large_reasons(field):
    """72 failures of 65 KB each come back in one round: the way back is free of it, and no channel falls."""
    check(fail_together(field, 72, 10_000, LARGEST_REASON).growth <= 64, "memory")


def b5_batches(field):
    """480 HTLCs, and then their 480 ordinary failures, in one round: the row of a channel is written once per step."""
    check(fail_together(field, 480, 5_000, ORDINARY_REASON).growth <= 32, "memory")


def b8_holds(field):
    """One payer fills three channels with holds for a recipient that sleeps: another payer's HTLC is held as well."""
    most = 2 * 241  # kMaxHeldPerPeer
    s, t, l, r = (field.node(name, role) for name, role in (("S", "client"), ("T", "client"), ("L", "server"), ("R", "client")))
    field.with_coins(s, t, l)
    for client in (s, t, r):
        client.api("connect", peer=f"{l.id}@127.0.0.1:{l.port}")
    for a, b in ((s, l), (s, l), (s, l), (t, l), (l, r)):
        field.channel(a, b)
    offer = field.async_offer(r, l)
    field.sleeps(r, l)
    held = lambda node: sum(hold["peer"] == node.id for hold in listed(l, "listholds", "holds"))
    Payments(s, [{"offer": offer, "amount_msat": 9_500_000}] * 600)
    until("L to hold all that it will", lambda: steady(lambda: held(s)), 120)
    field.says("held for one", held(s))
    Payments(t, [{"offer": offer, "amount_msat": 1_000_000}])
    until("T's HTLC to be held", lambda: held(t) == 1, 20)
    check(held(s) <= most, f"one peer has {held(s)} places")


def steady(measure, seconds=3):
    before = measure()
    time.sleep(seconds)
    return before > 0 and measure() == before
