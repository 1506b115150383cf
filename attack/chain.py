"""Bad days: old copies, reorganisations, blocks that come while something waits. And who is told too much."""
import signal
import sqlite3
import subprocess
import time

import demo
from demo import Wrong, until
from field import (ADD, FAIL, FULFILL, MALFORMED, REVOKED, SIGNED, Batch, Payments, attack, channel_of, check,
                   close_by_force, connected, kind_of, payments, target)
from peers import invoices, unreadable

UPDATE_FEE = 134


def held_payment(field, s, m, r, offer):
    field.sleeps(r, m)
    paid = s.api("pay", offer=offer, amount_msat=1_000_000)
    check(paid["state"] == "notified", f"pay says {paid['state']}")


def spending(field, outpoint):
    """Transactions in the mempool that spend this output."""
    txid, index = outpoint.split(":")
    return [one for one in field.bitcoind.call("getrawmempool")
            if any((i.get("txid"), i.get("vout")) == (txid, int(index))
                   for i in field.bitcoind.call("getrawtransaction", one, True)["vin"])]


def a5_old_copy(field):
    """S starts from a copy with an HTLC under way, after its expiry: nothing is published before S has spoken to L."""
    s, l, m, r = field.line()
    one, *more = invoices(r, 4, 1_000_000)
    r.process.send_signal(signal.SIGSTOP)
    try:
        under_way = Payments(s, [one])
        until("the HTLC at M", lambda: channel_of(m, r)["offered_htlcs"] == 1)
        with sqlite3.connect(s.folder / "doze.sqlite") as truth, sqlite3.connect(field.base / "copy") as copy:
            truth.backup(copy)
    finally:
        r.process.send_signal(signal.SIGCONT)
    check(under_way.ended()[0]["state"] == "settled", "the payment did not settle")
    check(all(p["state"] == "settled" for p in Payments(s, more).ended()), "a payment did not settle")
    funding = channel_of(s, l)["funding"]
    s.stop(False)
    l.stop(False)
    for name in ("doze.sqlite-wal", "doze.sqlite-shm"):
        (s.folder / name).unlink(missing_ok=True)
    (field.base / "copy").rename(s.folder / "doze.sqlite")
    field.bitcoind.mine(320)
    field.wakes(s)
    for _ in range(4):
        field.mine(3)
        check(not spending(field, funding), "the old commitment was published before a word with L")
    field.wakes(l)
    until("S and L to have spoken", lambda: channel_of(l, s)["phase"] != "normal" or connected(l, s))
    log = (l.folder / "log").read_text()
    check("revoked" not in log, "S published what it had revoked")


def a6_reorganised_funding(field):
    """The funding's block is gone, and 50 come without it: the channel takes no HTLCs."""
    s, l = field.node("S", "client"), field.node("L", "server")
    field.with_coins(s)
    s.api("connect", peer=f"{l.id}@127.0.0.1:{l.port}")
    field.channel(s, l)
    offer = l.api("createoffer", amount_msat=1_000_000, description="x")["offer"]
    check(s.api("pay", offer=offer)["state"] == "settled", "the channel does not work")
    height = int(channel_of(s, l)["short_channel_id"].split("x")[0])
    field.bitcoind.call("invalidateblock", field.bitcoind.call("getblockhash", height))
    for _ in range(58):
        field.bitcoind.call("generateblock", field.bitcoind.address, [])
    field.all_synced()
    try:
        state = s.api("pay", offer=offer)["state"]
    except Wrong:
        state = "refused"
    check(state != "settled", "a payment went over a channel that does not exist")
    for node, other in ((s, l), (l, s)):
        channel = channel_of(node, other)
        check(not channel["usable"], f"{node.name} says that it is usable: {channel['status']}")


def c8_kept_hold(field):
    """S's LSP neither releases nor fails a held HTLC, S stays connected: past the expiry and its grace S closes."""
    s, l, m, r = field.line("SL")
    offer, expiries, silent = field.async_offer(r, m), [], []

    def rule(sender, message):
        if kind_of(message) == ADD:
            expiries.append(int.from_bytes(message[82:86], "big"))
        return [] if sender == "dialled" and kind_of(message) in silent else [message]

    field.middles[0].rule = rule
    held_payment(field, s, m, r, offer)
    silent += (FULFILL, FAIL, MALFORMED, SIGNED, REVOKED, UPDATE_FEE)
    expiry = expiries[0]
    funding = channel_of(s, l)["funding"]
    while field.bitcoind.height() < expiry + 10 and not spending(field, funding):
        field.mine(max(1, min(40, expiry - field.bitcoind.height())))
    field.says("blocks past the expiry", field.bitcoind.height() - expiry)
    check(spending(field, funding) or channel_of(s, l)["phase"] != "normal",
          f"S goes on waiting: {channel_of(s, l)['status']}")


def c8_evicted_commitment(field):
    """A commitment has left the mempool: it is sent again within some blocks."""
    s, l = field.node("S", "client"), field.node("L", "server")
    field.with_coins(s)
    s.api("connect", peer=f"{l.id}@127.0.0.1:{l.port}")
    field.channel(s, l)
    funding, channel_id = channel_of(s, l)["funding"], channel_of(s, l)["channel_id"]
    l.stop(False)
    close_by_force(s, channel_id)
    until("the commitment", lambda: spending(field, funding))
    bitcoind = field.bitcoind
    bitcoind.process.terminate()
    bitcoind.process.wait(timeout=60)
    demo.running.remove(bitcoind.process)
    (bitcoind.folder / "regtest" / "mempool.dat").unlink()
    bitcoind.process = subprocess.Popen(bitcoind.process.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
    demo.running.append(bitcoind.process)
    until("bitcoind", lambda: bitcoind.cookie.exists() and bitcoind.call("getblockchaininfo"))
    bitcoind.call("loadwallet", "demo")
    # Without its file the mempool is empty; S may have sent the commitment again before we look.
    until("S to have its bitcoind again", lambda: s.api("getinfo")["chain"]["connected"])
    txid, index = funding.split(":")
    gone = lambda: bitcoind.call("gettxout", txid, int(index)) is None
    blocks = 0
    while blocks < 14 and not gone():
        field.mine(1)
        blocks += 1
    field.says("blocks", blocks)
    check(gone(), "it is not sent again")


def c9_dialled(field):
    """A node that a stranger names is not dialled: neither by a payer for an offer nor by a recipient for an answer."""
    s, l, m, r = field.line()
    offer = field.async_offer(r, m)
    e, f = field.node("E", "server"), field.node("F", "server")
    field.with_coins(e)
    e.api("connect", peer=f"{f.id}@127.0.0.1:{f.port}")
    field.channel(e, f)
    e.api("connect", peer=f"{m.id}@127.0.0.1:{m.port}")
    until("R to know E's address", lambda: r.api("getinfo")["graph_nodes_with_address"] >= 1)
    until("S, too", lambda: s.api("getinfo")["graph_nodes_with_address"] >= 1)
    attack(field, "announcements", to=target(m), offer=offer, introduction=e.id)
    bait = e.api("createoffer", amount_msat=1_000, description="x")["offer"]
    Payments(s, [{"offer": bait}])
    heard = lambda node: f'"node_id":"{node.id}"' in (e.folder / "log").read_text()
    try:
        until("", lambda: heard(r) and heard(s), 8)
    except Wrong:
        pass
    check(not heard(r), "R dialled a node that a stranger named: it knows who and where R is")
    check(not heard(s), "S dialled a node that an offer named")


def c12_crowd_at_the_wake(field):
    """Five strangers announce 80 times each while the recipient wakes and cannot read its blocks: the honest one counts."""
    s, l, m, r = field.line()
    offer = field.async_offer(r, m)
    held_payment(field, s, m, r, offer)
    field.bitcoind.process.send_signal(signal.SIGSTOP)
    try:
        field.wakes(r)
        until("R at M", lambda: connected(m, r))
        until("M's mailbox to be empty", lambda: not sum(b["messages"] for b in m.api("listmailboxes")["mailboxes"]))
        numbers, _ = attack(field, "announcements", to=target(m), offer=offer, ids=5, each=80, introduction="none")
        field.says("strangers heard", numbers["taken"])
    finally:
        field.bitcoind.process.send_signal(signal.SIGCONT)
    until("the payment to settle", lambda: payments(s)[0]["state"] == "settled", 40)


def b9_releases_for_nothing(field):
    """HTLCs that L refused, and that S never takes away, are released: few rows of it stay."""
    count, most = 80, 64  # kMaxEarlyPerChannel; and they go after ten minutes
    s, l, m, r = field.line("SL")
    offer = field.async_offer(r, m)
    field.sleeps(r, m)
    promises, refused = [], []

    def rule(sender, message):
        if sender == "dialler":
            return batch(sender, message)
        if kind_of(message) == REVOKED:
            promises.append(message.hex())
        if kind_of(message) == MALFORMED:
            refused.append(message)
        return [] if refused and kind_of(message) in (MALFORMED, SIGNED) else batch(sender, message)

    batch = Batch(field.middles[0], "dialled", count, unreadable(0))
    field.middles[0].rule = rule
    Payments(s, [{"offer": offer, "amount_msat": 1_000_000}] * count)
    until("L to have refused some", lambda: refused and batch.seen == count)
    time.sleep(1)  # for the others
    numbers, _ = attack(field, "releases", to=target(l), promises=",".join(promises))
    field.says("releases", numbers["sent"])
    check(numbers["sent"] == count, "there are not as many release paths")
    with sqlite3.connect(l.folder / "doze.sqlite") as rows:
        left = rows.execute("SELECT count(*) FROM records WHERE tab = 18").fetchone()[0]
    field.says("rows", left)
    check(left <= most, "rows that nobody will ever remove")
