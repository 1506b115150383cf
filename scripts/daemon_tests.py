#!/usr/bin/env python3
"""What the demo does not show, on real dozed processes and a regtest bitcoind: a line a test, exit code 1 if one fails."""
import argparse
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import demo
from bench import Api, network
from demo import Node, Wrong, until

BLOCKS_AT_MOST = 300  # a hold's window of 144 blocks, and what the way back needs


class World:
    def __init__(self, args, base):
        self.args, self.base = args, base
        self.bitcoind, self.nodes, self.offer, _ = network(args, base)
        self.s, self.l, self.m, self.r = self.nodes
        self.connect_apis()

    def connect_apis(self):
        self.api = {node.name: Api(node) for node in self.nodes}

    def balances(self):
        return {node.name: node.balance() for node in self.nodes}

    def quiet(self):
        return all(c["offered_htlcs"] + c["received_htlcs"] == 0
                   for node in self.nodes for c in node.cli("listchannels")["channels"])

    def state(self, payment_id):
        return self.s.cli("getpayment", payment_id)

    def settles(self, payment_id, before, amount):
        """The payment settles and every balance is exact to the msat."""
        ended = until("the payment's end", lambda: (lambda p: p if p["state"] in ("settled", "failed", "expired") else None)(
            self.state(payment_id)))
        check(ended["state"] == "settled", f"it ended as {ended}")
        until("all HTLCs gone", self.quiet)
        after = self.balances()
        check(after["S"] == before["S"] - amount - ended["fee_msat"], "S does not add up")
        check(after["R"] == before["R"] + amount, "R does not add up")
        check(sum(after.values()) == sum(before.values()), "the sums differ")

    def r_leaves(self):
        self.r.stop(False)
        until("R to be gone", lambda: not any(
            p["connected"] for p in self.m.cli("listpeers")["peers"] if p["node_id"] == self.r.id))

    def r_comes(self):
        self.r.start()
        until("R's channel", lambda: self.r.usable(1) and self.m.usable(2))


def check(true, otherwise):
    if not true:
        raise Wrong(otherwise)


# Exit codes of doze, as `doze help` lists them.
FAILED, USAGE, NO_DAEMON, REFUSED, PAYMENT_FAILED = 1, 2, 3, 4, 5


def doze(world, *words, datadir=None, code=USAGE):
    """Runs the command line as a person does; it must say one line on stderr when it fails."""
    done = subprocess.run([str(pathlib.Path(world.args.build) / "doze"), "--datadir", str(datadir or world.s.folder),
                           *words], capture_output=True, text=True, timeout=60)
    check(done.returncode == code, f"doze {' '.join(words)}: exit code {done.returncode}, not {code}: {done.stderr}")
    if code != 0:
        check(len(done.stderr.strip().splitlines()) == 1, f"doze {' '.join(words)}: not one line: {done.stderr!r}")
    return done.stdout if code == 0 else done.stderr


def recipient_online(world):
    before = world.balances()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "1000001")
    world.settles(paid["payment_id"], before, 1_000_001)


def payer_stays_online(world):
    before = world.balances()
    world.r_leaves()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "2000002", "--no-hold")
    check(not paid["safe_to_sleep"], f"a payer that keeps the payment itself must stay online, pay says {paid}")
    check(world.l.cli("listholds")["holds"] == [], "nothing is held for a payer that stays online")
    world.r_comes()
    world.settles(paid["payment_id"], before, 2_000_002)


def never_released(world):
    before = world.balances()
    world.r_leaves()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "3000003")
    check(paid["state"] == "notified" and paid["safe_to_sleep"], f"pay says {paid}")
    doze(world, "cancelpayment", paid["payment_id"], code=REFUSED)
    hold = world.l.cli("listholds")["holds"][0]
    mined = 0
    while world.state(paid["payment_id"])["state"] == "notified" and mined < BLOCKS_AT_MOST:
        world.bitcoind.mine(8)
        mined += 8
        height = world.bitcoind.height()
        for node in (world.s, world.l, world.m):
            until(f"{node.name} at {height}", lambda: node.synced(height))
        if height >= hold["fail_back_height"]:
            until("the way back", lambda: world.state(paid["payment_id"])["state"] in ("expired", "failed"))
    ended = world.state(paid["payment_id"])
    check(ended["state"] in ("expired", "failed"), f"after {mined} blocks it is {ended}")
    world.r_comes()
    until("all HTLCs gone", world.quiet)
    check(world.balances() == before, f"balances changed: {before} before, {world.balances()} after")
    check(all(c["usable"] for node in world.nodes for c in node.cli("listchannels")["channels"]), "a channel is not usable")


def two_held_at_once(world):
    before = world.balances()
    world.r_leaves()
    ids = [world.s.cli("pay", world.offer, "--amount-msat", str(amount))["payment_id"] for amount in (4_000_004, 5_000_005)]
    check(len(world.l.cli("listholds")["holds"]) == 2, "L should hold two")
    world.r_comes()
    fees = 0
    for payment_id in ids:
        until("both settled", lambda: world.state(payment_id)["state"] == "settled")
        fees += world.state(payment_id)["fee_msat"]
    until("all HTLCs gone", world.quiet)
    after = world.balances()
    check(after["R"] == before["R"] + 9_000_009 and after["S"] == before["S"] - 9_000_009 - fees, "S and R do not add up")


def many_payments_in_a_row(world):
    """R is there. `notified` says that M has the message: then R must hear of it, however many payments S makes."""
    ids = [world.api["S"]("pay", offer=world.offer, amount_msat=1_000_000)["payment_id"] for _ in range(120)]
    until("all of them settled", lambda: all(world.state(payment_id)["state"] == "settled" for payment_id in ids))
    until("all HTLCs gone", world.quiet)


def openapi(world):
    connection = http.client.HTTPConnection("127.0.0.1", world.s.rpc, timeout=10)
    token = (world.s.folder / "api-token").read_text().strip()

    def post(path, body, bearer=token):
        connection.request("POST", path, body, {"Authorization": "Bearer " + bearer, "Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    connection.request("GET", "/openapi.json", headers={"Authorization": "Bearer " + token})
    document = json.loads(connection.getresponse().read())
    methods = {path.removeprefix("/v1/"): spec["post"] for path, spec in document["paths"].items()}
    listed = {line.split()[0] for line in doze(world, "help", code=0).splitlines()
              if line.startswith("  ") and line.split() and line.split()[0].isalpha()}
    check(set(methods) <= listed, f"doze help does not list {set(methods) - listed}")
    for name, spec in methods.items():
        schema = spec["requestBody"]["content"]["application/json"]["schema"]
        status, body = post("/v1/" + name, json.dumps({"no_such_parameter": 1}))
        check(status == 400 and "error" in json.loads(body), f"{name}: an unknown parameter gives {status} {body}")
        if schema.get("required"):
            status, body = post("/v1/" + name, "{}")
            check(status == 400 and schema["required"][0] in json.loads(body)["error"]["message"],
                  f"{name}: a missing parameter gives {status} {body}")
        elif name not in ("stop", "newaddress", "createoffer", "createinvoice", "asyncinvite"):
            status, body = post("/v1/" + name, "{}")
            check(status == 200 and isinstance(json.loads(body), dict), f"{name}: {status} {body}")
    check(post("/v1/nosuchmethod", "{}")[0] == 404, "an unknown method is not 404")
    check(post("/v1/getinfo", "{}", "wrong")[0] == 401, "a wrong token is not 401")
    check(post("/v1/getinfo", "{not json")[0] == 400, "no JSON is not 400")
    check(post("/v1/getinfo", "{}")[0] == 200, "getinfo")


def bad_input_costs_one_line(world):
    for words in (["nosuchcommand"], ["pay"], ["pay", "lno1nonsense"], ["pay", "lnbcrt1nonsense"], ["connect", "02ab"],
                  ["openchannel", world.m.id, "abc"], ["openchannel", world.m.id, "100000"], ["pay", "a@b.example"],
                  ["sendtoaddress", "bcrt1nonsense", "1000sat"], ["sendtoaddress", world.bitcoind.address, "1000"],
                  ["asyncjoin", "lnai1nonsense"], ["init", "--role", "sever"]):
        doze(world, *words)
    for words in (["getpayment", "00" * 32], ["failhold", "00" * 32, "0"], ["revokeinvitation", "nosuch"],
                  ["closechannel", "00" * 32]):
        doze(world, *words, code=REFUSED)
    doze(world, "decode", "x", code=FAILED)
    check("did you mean pay" in doze(world, "pya"), "pya is not understood")
    check("doze init" in doze(world, "getinfo", datadir=world.base / "nowhere", code=NO_DAEMON),
          "a missing node is not explained")
    doze(world, "version", code=0)
    json.loads(doze(world, "-j", "listchannels", code=0))
    lines = doze(world, "listchannels", code=0).splitlines()
    check(len(lines) == 2 and lines[0].startswith("phase") and "…" in lines[1], f"not one line an entry: {lines}")
    check(world.l.id in doze(world, "listchannels", "--long", code=0), "--long does not show whole ids")
    doze(world, "help", code=0)
    doze(world, "help", "pay", code=0)
    with open("/dev/full", "w") as full:  # an answer that is lost is no success
        lost = subprocess.run([str(world.s.build / "doze"), "help"], stdout=full, stderr=subprocess.PIPE, text=True)
    check(lost.returncode == 1 and "cannot write" in lost.stderr, f"a lost answer: {lost.returncode} {lost.stderr!r}")


def dozed_ends(world, node, says, *options):
    done = subprocess.run([str(node.build / "dozed"), "--datadir", str(node.folder), *options], capture_output=True,
                          text=True, timeout=30)
    check(done.returncode == 1, f"dozed should refuse to start: {done.returncode} {done.stdout}")
    check(says in done.stderr and len(done.stderr.strip().splitlines()) == 1, f"dozed says {done.stderr!r}, not {says!r}")


def starts_only_if_it_may(world):
    for name in ("api-token", "seed"):
        mode = (world.s.folder / name).stat().st_mode & 0o777
        check(mode == 0o600, f"{name} has mode {mode:o}")
    dozed_ends(world, world.s, "another dozed")
    node = Node("X", "", "client", pathlib.Path(world.args.build), world.base, world.bitcoind, "ldk")
    config = node.folder / "doze.toml"
    good = config.read_text()
    config.write_text(good + "\nno_such_key = 1\n")
    dozed_ends(world, node, f"{len(good.splitlines()) + 2}:1")
    config.write_text(good.replace('"regtest"', '"mainnet"'))
    dozed_ends(world, node, "mainnet")
    config.write_text(good.replace('"regtest"', '"signet"'))
    dozed_ends(world, node, "expected network regtest", "--record", str(world.base / "record"))
    check(not (world.base / "record").exists(), "a node on signet recorded")
    config.write_text(re.sub(r'rpc = ".*"', f'rpc = "0.0.0.0:{node.rpc}"', good))
    dozed_ends(world, node, "rpc_allow_remote")
    config.write_text(good)
    # A node that has run has a database. Without it its channels are gone, and new ones would use their keys again.
    node.start()
    node.stop(False)
    config.write_text(good.replace('"regtest"', '"signet"'))
    dozed_ends(world, node, "created for regtest")
    config.write_text(good)
    for file in node.folder.glob("doze.sqlite*"):
        file.unlink()
    dozed_ends(world, node, "doze.sqlite")
    again = Node("Z", "", "client", pathlib.Path(world.args.build), world.base, world.bitcoind, "ldk")
    again.start()
    again.stop(False)
    (again.folder / "api-token").write_text("")
    dozed_ends(world, again, "api-token")


def a_stopped_node_can_be_started_at_once(world):
    """`doze stop` comes back when another dozed may have the folder."""
    for _ in range(10):
        old = world.s.process
        doze(world, "stop", code=0)
        world.s.start()
        demo.running.remove(old)
        check(old.wait(timeout=20) == 0, f"the old one ended with {old.returncode}")


def words_restore_the_wallet(world):
    lost = Node("W", "", "client", pathlib.Path(world.args.build), world.base, world.bitcoind, None)
    lost.start()
    until("W to follow", lambda: lost.synced(world.bitcoind.height()))
    birthday = world.bitcoind.height() + 1
    world.bitcoind.call("sendtoaddress", lost.cli("newaddress")["address"], 0.001)
    world.bitcoind.mine(3)
    until("W's coin", lambda: lost.cli("listfunds")["confirmed_sat"] == 100_000)
    lost.stop(False)
    words = (lost.folder / "seed").read_text().strip()
    lost.folder.rename(world.base / "W-lost")

    def restore(stdin, *options):
        return subprocess.run(
            [str(lost.build / "doze"), "--datadir", str(lost.folder), "init", "--listen-port", str(lost.port), "--rpc-port",
             str(lost.rpc), "--bitcoind-port", str(world.bitcoind.port), "--bitcoind-cookie", str(world.bitcoind.cookie),
             "--restore", *options], input=stdin, capture_output=True, text=True, timeout=60)

    bad = restore(words.rsplit(" ", 1)[0] + "\n")
    check(bad.returncode == FAILED and len(bad.stderr.strip().splitlines()) == 1, f"eleven words: {bad.stderr!r}")
    check(not lost.folder.exists(), "bad words made a folder")
    for options in (["--birthday", str(birthday)], []):
        done = restore(words + "\n", *options)
        check(done.returncode == 0, f"not restored: {done.stderr}")
        check(words not in done.stdout + done.stderr, "the words are shown")
        node_id = lost.id
        lost.start()
        check(lost.id == node_id, "another node id")
        until("W's coin again", lambda: lost.cli("listfunds")["confirmed_sat"] == 100_000)
        lost.stop(False)
        shutil.rmtree(lost.folder)


def bitcoind_goes_away(world):
    before = world.balances()
    world.bitcoind.process.terminate()
    world.bitcoind.process.wait(timeout=60)
    demo.running.remove(world.bitcoind.process)
    until("S to say so", lambda: not world.s.cli("getinfo")["chain"]["connected"])
    command = world.bitcoind.process.args
    world.bitcoind.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                              start_new_session=True)
    demo.running.append(world.bitcoind.process)
    until("bitcoind", lambda: world.bitcoind.cookie.exists() and world.bitcoind.call("getblockchaininfo"))
    world.bitcoind.call("loadwallet", "demo")
    world.bitcoind.mine(2)
    for node in world.nodes:
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))
    paid = world.s.cli("pay", world.offer, "--amount-msat", "6000006")
    world.settles(paid["payment_id"], before, 6_000_006)


def a_payer_that_has_just_woken_knows_the_height(world):
    """S was off for a day of blocks and pays at once: it must not send an HTLC that is due already, nor say that it may sleep."""
    before = world.balances()
    world.s.stop(False)
    world.bitcoind.mine(250)
    for node in (world.l, world.m, world.r):
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))
    world.s.start()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "8000008")
    check(paid["state"] == "settled" or paid.get("release_deadline_height", 1 << 31) > world.bitcoind.height(),
          f"the release deadline has passed already: {paid}")
    world.settles(paid["payment_id"], before, 8_000_008)


def a_hold_does_not_outlive_its_channel(world):
    """S closes by force, then R wakes: L must not pay out what it cannot collect any more. Everything comes home."""
    world.r_leaves()
    answers = lambda: (world.r.folder / "log").read_text().count("held_htlc_available")
    answered = answers()
    paid = world.s.cli("pay", world.offer, "--amount-msat", "9000009")
    channel = lambda node, peer: next(c for c in node.cli("listchannels", "--closed")["channels"] if c["peer"] == peer.id)
    balance = lambda: channel(world.l, world.m)["local_balance_msat"]
    before = balance()
    closing = channel(world.s, world.l)["channel_id"]
    coins = lambda node: node.cli("listfunds")["confirmed_sat"]
    funds = {node.name: coins(node) for node in (world.s, world.l)}
    says = doze(world, "closechannel", closing, "--force", code=REFUSED)
    check("144 blocks" in says and "add yes" in says, f"it does not say what it costs: {says}")
    check(world.bitcoind.call("getrawmempool") == [], "it was closed without a yes")
    world.s.cli("closechannel", closing, "--force", "--yes")
    until("the commitment in the mempool", lambda: world.bitcoind.call("getrawmempool"))
    world.bitcoind.mine(1)
    for node, peer in ((world.s, world.l), (world.l, world.s)):
        until(f"{node.name} to see it", lambda: channel(node, peer)["phase"] == "on_chain")
    seen = channel(world.s, world.l)
    check(seen["pending_close_sat"] > 0 and 9_000 <= seen["at_risk_sat"] < 9_100 and seen["closing_confirmations"] == 1,
          f"sums are missing: {seen}")
    for view in (world.s.cli("getinfo"), world.s.cli("listfunds")):
        check(view["pending_close_sat"] == seen["pending_close_sat"] and view["at_risk_sat"] == seen["at_risk_sat"],
              f"sums are missing: {view}")
    world.r_comes()
    until("R to have answered", lambda: answers() > answered)
    until("L to give the hold up", lambda: world.l.cli("listholds")["holds"] == [])
    check(world.l.cli("listforwards")["forwards"][0]["state"] == "failed", "L forwarded it")
    check(balance() == before, f"L has lost {before - balance()} msat")
    check(not world.state(paid["payment_id"])["safe_to_sleep"], "S still says that it may sleep")

    # S's balance waits for its delay, its HTLC for its expiry; L's balance is there at once. Both are killed in between.
    def mine_until(what, done):
        for _ in range(60):
            if done():
                return
            world.bitcoind.mine(10)
            for node in (world.s, world.l):
                until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))
        raise Wrong(f"600 blocks later: {what}")
    for node in (world.s, world.l):
        node.stop(kill=True)
    world.bitcoind.mine(20)
    for node in (world.s, world.l):
        node.start()
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))
    mine_until("S's payment has not ended", lambda: world.state(paid["payment_id"])["state"] in ("failed", "expired"))
    mine_until("not everything is claimed",
               lambda: all(channel(node, peer)["phase"] == "closed" for node, peer in ((world.s, world.l), (world.l, world.s))))
    back = coins(world.s) - funds[world.s.name]
    check(seen["pending_close_sat"] + seen["at_risk_sat"] - 5_000 < back <= seen["pending_close_sat"] + seen["at_risk_sat"],
          f"S has {back} sat back of {seen}")
    check(coins(world.l) >= funds[world.l.name], "L has lost coins")


def nothing_is_sent_on_chain_while_bitcoind_is_away(world):
    """sendtoaddress must not leave its user without an answer: who tries again pays twice."""
    config = world.s.folder / "doze.toml"
    good = config.read_text()
    world.s.stop(False)
    config.write_text(good.replace(f"port = {world.bitcoind.port}", "port = 1"))
    world.s.start()
    says = doze(world, "sendtoaddress", world.bitcoind.address, "10000sat", code=REFUSED)
    check("not synced" in says, f"it says {says!r}")
    world.s.stop(False)
    config.write_text(good)
    world.s.start()


def a_frozen_bitcoind_leaves_nobody_waiting(world):
    """It takes connections and answers nothing. What is under way is queued, and sent once."""
    world.bitcoind.process.send_signal(signal.SIGSTOP)
    try:
        sent = world.s.cli("sendtoaddress", world.bitcoind.address, "10000sat")
        check(sent["state"] == "queued", f"it says {sent}")
        chain = world.s.cli("getinfo")["chain"]
        check(not chain["connected"] and "since" in chain, f"getinfo says {chain}")
        check("not synced" in doze(world, "sendtoaddress", world.bitcoind.address, "10000sat", code=REFUSED),
              "it can be sent again")
    finally:
        world.bitcoind.process.send_signal(signal.SIGCONT)
    until("it in the mempool", lambda: world.bitcoind.call("getrawmempool") == [sent["txid"]])
    world.bitcoind.mine(1)
    for node in world.nodes:
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))


def full_disk_stops_before_signing(world):
    """The files of S may not grow any more, as on a full disk: it says so and ends; with room again nothing is lost."""
    before = world.balances()
    world.s.stop(False)
    size = max((world.s.folder / name).stat().st_size for name in ("doze.sqlite", "log"))
    limit = size + 8192
    log = open(world.s.folder / "log", "a")
    small = subprocess.Popen(
        [str(world.s.build / "dozed"), "--datadir", str(world.s.folder)], stdout=subprocess.PIPE, stderr=log, text=True,
        start_new_session=True, preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))
    demo.running.append(small)
    words = [str(world.s.build / "doze"), "--datadir", str(world.s.folder), "--json", "pay", world.offer, "--amount-msat",
             "1000000"]
    end = time.monotonic() + 60
    while small.poll() is None and time.monotonic() < end:
        subprocess.run(words, capture_output=True, timeout=120)
    check(small.poll() is not None, "it still runs with a full disk")
    check(small.returncode == 1, f"exit code {small.returncode}")
    demo.running.remove(small)
    check("the disk failed" in small.stdout.read(), "it does not say why")
    world.s.start()
    until("S's channel", lambda: world.s.usable(1) and world.l.usable(2))
    until("all payments ended", lambda: all(p["state"] in ("settled", "failed", "expired") for p in
                                            world.s.cli("listpayments")["payments"]))
    until("all HTLCs gone", world.quiet)
    after = world.balances()
    check(sum(after.values()) == sum(before.values()), "the sums differ")


def master_of(seed):
    """BIP 32: private key and chain code of the root."""
    digest = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    return digest[:32], digest[32:]


def hardened(parent, index):
    """BIP 32, a hardened child: no point is needed."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    digest = hmac.new(parent[1], b"\0" + parent[0] + (index | 1 << 31).to_bytes(4, "big"), hashlib.sha512).digest()
    key = (int.from_bytes(digest[:32], "big") + int.from_bytes(parent[0], "big")) % order
    return key.to_bytes(32, "big"), digest[32:]


class Secrets:
    """What the words of a node stand for."""

    def __init__(self, node):
        self.words = (node.folder / "seed").read_text().splitlines()[0].strip()
        self.seed = hashlib.pbkdf2_hmac("sha512", self.words.encode(), b"mnemonic", 2048)
        self.root = master_of(self.seed)
        self.node_key = hardened(hardened(hardened(self.root, 1017), 1), 0)[0]  # of regtest
        self.token = (node.folder / "api-token").read_text().strip()

    def never_printed(self):
        """(what, text) that no log and no output may show; of the words any three in a row."""
        words = self.words.split()
        for at in range(len(words) - 2):
            yield f"seed words {at + 1} to {at + 3}", " ".join(words[at:at + 3])
        for what, secret in (("the seed", self.seed), ("the master key", self.root[0]), ("its chain code", self.root[1]),
                             ("the node key", self.node_key)):
            yield what, secret[:16].hex()
        yield "the API token", self.token

    def dropped(self):
        """(what, bytes) that a node which has started needs no more."""
        words = self.words.split()
        for at in range(len(words) - 2):
            yield f"seed words {at + 1} to {at + 3}", " ".join(words[at:at + 3]).encode()
        yield "the seed", self.seed[:32]
        yield "the master key", self.root[0]
        yield "the master chain code", self.root[1]


def memory_of(process):
    """Everything that a core file would hold, through /proc/PID/mem."""
    image = []
    with open(f"/proc/{process.pid}/mem", "rb", 0) as memory:
        for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().splitlines():
            where, mode = line.split()[:2]
            begin, end = (int(part, 16) for part in where.split("-"))
            if "r" not in mode or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            try:
                memory.seek(begin)
                image.append(memory.read(end - begin))
            except OSError:
                continue  # a page that nobody may read
    return image


def secrets_stay_inside(world):
    """A payment with log_level = "debug": no secret in any log or answer; used secrets are gone from the memory."""
    said = []
    cli = Node.cli

    def listening(node, *words, plain=False):
        answer = cli(node, *words, plain=plain)
        said.append((f"{node.name}: doze {words[0]}", answer if plain else json.dumps(answer)))
        return answer

    for node in world.nodes:
        config = node.folder / "doze.toml"
        text = config.read_text()
        check('# log_level = "info"' in text, "doze.toml has another line for log_level")
        config.write_text(text.replace('# log_level = "info"', 'log_level = "debug"'))
        node.stop(False)
        node.start()
    until("all channels", lambda: all(c["usable"] for node in world.nodes for c in node.cli("listchannels")["channels"]))
    Node.cli = listening
    try:
        before = world.balances()
        world.r_leaves()
        paid = world.s.cli("pay", world.offer, "--amount-msat", "1000001")
        for node in (world.l, world.m):
            for words in ("listholds", "listmailboxes", "listinvitations", "liststaticinvoices"):
                node.cli(words, plain=True)
        world.r_comes()
        world.settles(paid["payment_id"], before, 1_000_001)
        for node in world.nodes:
            for words in ("getinfo", "listpeers", "listchannels", "listfunds", "listpayments", "listforwards", "listoffers",
                          "listinvoices", "newaddress"):
                node.cli(words, plain=True)
                node.cli(words)
        world.s.cli("decode", world.offer, plain=True)
    finally:
        Node.cli = cli
    cookie = world.bitcoind.cookie.read_text().split(":")[1].strip()
    said += [(f"{node.name}'s log", (node.folder / "log").read_text()) for node in world.nodes]
    check(any(" debug " in text for name, text in said if name.endswith("log")), "the logs are not verbose")
    for node in world.nodes:
        for what, secret in [*Secrets(node).never_printed(), ("bitcoind's password", cookie)]:
            for name, text in said:
                check(secret.lower() not in text.lower(), f"{what} of {node.name} stands in {name}")
    hashes = {p["payment_hash"] for p in world.s.cli("listpayments")["payments"]}
    check(hashes, "no payment_hash to look for")
    for name, text in said:
        if name.endswith("log"):
            for found in re.findall(r"\b[0-9a-f]{64}\b", text):
                check(hashlib.sha256(bytes.fromhex(found)).hexdigest() not in hashes, f"a preimage stands in {name}")

    r, secrets = world.r, Secrets(world.r)
    r.stop(False)
    r.start("--debuggable")  # else only root may look into it
    until("R's channel", lambda: r.usable(1) and world.m.usable(2))
    image = memory_of(r.process)
    held = lambda secret: any(secret in part for part in image)
    check(held(secrets.node_key) and held(secrets.token.encode()), "the search does not find what a running node needs")
    for what, secret in secrets.dropped():
        check(not held(secret), f"{what} can still be found in R's memory")
    r.stop(False)


def crashes_leave_no_core(world):
    """Where core files are allowed, dozed still writes none, unless it is told to."""
    r = world.r
    r.stop(False)
    plain_file = not pathlib.Path("/proc/sys/kernel/core_pattern").read_text().startswith("|")
    allow = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for options, may in (((), False), (("--debuggable",), True)):
        crashing = subprocess.Popen([str((r.build / "dozed").resolve()), "--datadir", str(r.folder.resolve()), *options], cwd=r.folder,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=allow)
        demo.running.append(crashing)
        until("R to answer", lambda: r.cli("getinfo"))
        if not may:
            limit = next(line for line in pathlib.Path(f"/proc/{crashing.pid}/limits").read_text().splitlines()
                         if line.startswith("Max core file size"))
            check(limit.split()[4:6] == ["0", "0"], f"core files are allowed: {limit}")
        crashing.send_signal(signal.SIGABRT)
        _, status = os.waitpid(crashing.pid, 0)
        crashing.returncode = -os.WTERMSIG(status)
        demo.running.remove(crashing)
        if not may:
            check(not os.WCOREDUMP(status), "a core file was written")
        elif plain_file:
            check(os.WCOREDUMP(status), "--debuggable writes no core file: this test would not see one")
        for core in r.folder.glob("core*"):
            core.unlink()
    r.start()
    until("R's channel", lambda: r.usable(1) and world.m.usable(2))


def signals_of_terminals_and_log_rotation_end_nothing(world):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        world.s.process.send_signal(number)
    until("a line on it", lambda: "SIGHUP" in (world.s.folder / "log").read_text())
    check(world.s.cli("getinfo")["node_id"] == world.s.id, "S does not answer any more")


def a_quiet_log_says_nothing_per_block(world):
    log = world.l.folder / "log"
    before = len(log.read_text().splitlines())
    for _ in range(5):
        world.bitcoind.mine(1)
        until("L to follow", lambda: world.l.synced(world.bitcoind.height()))
    new = log.read_text().splitlines()[before:]
    check(not any(" chain " in line for line in new), f"blocks are in the log: {new}")
    for line in log.read_text().splitlines():
        event = line.split(" ", 2)[2].strip()
        name, _, facts = event.partition(" ")
        check(name.replace("_", "").isalnum() and isinstance(json.loads(facts), dict), f"another form: {line}")


def a_repeated_command_with_a_key_spends_once(world):
    before = world.s.cli("listfunds")
    words = ["sendtoaddress", world.bitcoind.address, "12345sat", "--idempotency-key", "order 7"]
    first = world.s.cli(*words)
    check(world.s.cli(*words)["txid"] == first["txid"], "another transaction")
    world.s.stop(True)
    world.s.start()
    until("S to be synced", lambda: world.s.synced(world.bitcoind.height()))
    check(world.s.cli(*words)["txid"] == first["txid"], "another transaction after a restart")
    world.bitcoind.mine(1)
    until("the change", lambda: world.s.cli("listfunds")["confirmed_sat"] ==
          before["confirmed_sat"] - 12_345 - first["fee_sat"])
    doze(world, *words[:2], "12346sat", *words[3:])


def a_deposit_in_the_mempool_is_shown_and_is_no_money_yet(world):
    before = world.s.cli("listfunds")
    txid = world.bitcoind.call("sendtoaddress", world.s.cli("newaddress")["address"], 0.01)

    def shown(wanted):
        funds = world.s.cli("listfunds")
        rows = [row for row in funds["outputs"] if row["status"] == "in_mempool"]
        return funds if [row["txid"] for row in rows] == wanted and funds["mempool_read"] else None
    funds = until("the deposit", lambda: shown([txid]))
    check(funds["unconfirmed_deposits_sat"] == 1_000_000, f"listfunds says {funds}")
    check(world.s.cli("getinfo")["onchain_unconfirmed_deposits_sat"] == 1_000_000, "getinfo does not say it")
    check(funds["confirmed_sat"] == before["confirmed_sat"], "it counts as confirmed")
    says = doze(world, "sendtoaddress", world.bitcoind.address, f"{before['confirmed_sat'] + 500_000}sat", code=PAYMENT_FAILED)
    check("can be spent" in says, f"it says {says!r}")
    world.s.stop(True)
    world.s.start()
    until("the deposit after a restart", lambda: shown([txid]))
    other = world.bitcoind.call("bumpfee", txid)["txid"]
    until("what took its place", lambda: shown([other]))
    world.bitcoind.mine(1)
    until("it to be money", lambda: world.s.cli("listfunds")["confirmed_sat"] == before["confirmed_sat"] + 1_000_000)
    until("it to be in the mempool no longer", lambda: shown([]))


def a_bitcoind_that_went_back_is_not_followed(world):
    """The chain of bitcoind becomes shorter: said at once, nothing is taken back, and it goes on when the chain is longer."""
    height = world.bitcoind.height()
    gone = world.bitcoind.call("getblockhash", height - 3)
    world.bitcoind.call("invalidateblock", gone)
    try:
        chain = until("S to say so", lambda: (lambda c: c if c.get("trouble") == "behind" else None)(
            world.s.cli("getinfo")["chain"]))
        check(chain["connected"] and not chain["synced"] and str(height) in chain["detail"], f"getinfo says {chain}")
        check(world.s.cli("getinfo")["block_height"] == height, "blocks were taken back")
        check("chain_trouble" in (world.s.folder / "log").read_text(), "no line in the log")
        doze(world, "sendtoaddress", world.bitcoind.address, "10000sat", code=REFUSED)
    finally:
        world.bitcoind.call("reconsiderblock", gone)
    world.bitcoind.mine(1)
    for node in world.nodes:
        until(f"{node.name} to follow", lambda: node.synced(world.bitcoind.height()))


TESTS = [signals_of_terminals_and_log_rotation_end_nothing, recipient_online, payer_stays_online, never_released, two_held_at_once, openapi, bad_input_costs_one_line,
         starts_only_if_it_may, a_stopped_node_can_be_started_at_once, words_restore_the_wallet, bitcoind_goes_away,
         a_quiet_log_says_nothing_per_block, a_repeated_command_with_a_key_spends_once,
         a_deposit_in_the_mempool_is_shown_and_is_no_money_yet,
         a_bitcoind_that_went_back_is_not_followed,
         a_payer_that_has_just_woken_knows_the_height, nothing_is_sent_on_chain_while_bitcoind_is_away,
         a_frozen_bitcoind_leaves_nobody_waiting, full_disk_stops_before_signing, secrets_stay_inside,
         crashes_leave_no_core, many_payments_in_a_row, a_hold_does_not_outlive_its_channel]  # the last closes a channel


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="folder with dozed and doze")
    parser.add_argument("--bitcoind", required=True)
    parser.add_argument("--folder", required=True, help="where the nodes live; emptied first")
    parser.add_argument("--only", help="one test by its name")
    args = parser.parse_args()
    base = pathlib.Path(args.folder)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = 0
    try:
        world = World(args, base)
        for test in TESTS:
            if args.only and test.__name__ != args.only:
                continue
            began = time.monotonic()
            try:
                for node in world.nodes:
                    if node.process is None:
                        node.start()
                test(world)
                print(f"ok      {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
            except (Wrong, KeyError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED  {test.__name__}: {error}", flush=True)
    except Wrong as error:
        print(f"FAILED  set-up: {error}")
        failed += 1
    finally:
        demo.end_all()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
