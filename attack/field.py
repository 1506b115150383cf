"""What the attacks have in common: nodes on a regtest bitcoind, the attacker's program, a hand between two nodes, and
measures. Every wait and every loop has an end; everything stays on this machine."""
import http.client
import json
import pathlib
import select
import subprocess
import threading
import time

import bench
import demo
from bench import cpu_seconds, memory_mib
from daemon_tests import Secrets, check
from demo import Bitcoind, Node, Wrong, free_port, open_channel, until

ADD, FULFILL, FAIL, MALFORMED, SIGNED, REVOKED = 128, 130, 131, 135, 132, 133
ONION_AT = 2 + 32 + 8 + 8 + 32 + 4  # in update_add_htlc: type, channel_id, id, amount, hash, expiry
ONION_BYTES = 1366


class Api(bench.Api):
    """A connection per call: between two calls of an attack dozed may have ended, or have lost patience."""

    def __call__(self, method, **arguments):
        self.connection.close()
        return super().__call__(method, **arguments)


class Field:
    """One attack's ground. Its bitcoind is its own: some attacks spoil the chain."""

    def __init__(self, args, base):
        self.args, self.base, self.build = args, base, pathlib.Path(args.build)
        self.measured, self.nodes, self.middles = [], [], []
        self.bitcoind = Bitcoind(args.bitcoind, base / "bitcoind")

    def says(self, what, value):
        """A number for the line that is printed about this attack."""
        self.measured.append(f"{what} {value:.1f}" if isinstance(value, float) else f"{what} {value}")

    def node(self, name, role, **config):
        """Started. `config`: lines for doze.toml."""
        node = Node(name, "", role, self.build, self.base, self.bitcoind, "ldk" if role == "server" else None)
        if config:
            path = node.folder / "doze.toml"
            path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in config.items()) + path.read_text())
        node.start()
        node.api = Api(node)
        self.nodes.append(node)
        return node

    def with_coins(self, *nodes):
        for node in nodes:
            self.bitcoind.call("sendtoaddress", node.api("newaddress")["address"], 0.1)
        self.bitcoind.mine(1)

    def channel(self, a, b, sat=2_000_000):
        usable = lambda node: sum(c["usable"] for c in node.api("listchannels")["channels"])
        open_channel(self.bitcoind, a, b, sat, usable(a) + 1, usable(b) + 1)
        self.all_synced()  # it is usable some blocks before the last one

    def line(self, between=None, roles=(("S", "client"), ("L", "server"), ("M", "server"), ("R", "client"))):
        """S – L – M – R with channels. `between`: "SL" or "RM", the first dials: a Middle between them."""
        s, l, m, r = (self.node(name, role) for name, role in roles)
        self.with_coins(s, l, m)
        for dialler, dialled in ((s, l), (l, m), (r, m)):
            port = dialled.port
            if between == dialler.name + dialled.name:
                self.middles.append(Middle(self.args.attacker, dialler, dialled))
                port = self.middles[-1].port
            dialler.api("connect", peer=f"{dialled.id}@127.0.0.1:{port}")
        for a, b in ((s, l), (l, m), (m, r)):
            self.channel(a, b)
        until("S to learn of the public channel L-M", lambda: s.api("getinfo")["graph_channels"] >= 1)
        return s, l, m, r

    def async_offer(self, r, m, **terms):
        r.api("asyncjoin", link=m.api("asyncinvite", label="phone")["link"])
        return r.api("createoffer", **{"async": True, "description": "attack", **terms})["offer"]

    def sleeps(self, node, at):
        node.stop(False)
        until(f"{node.name} to be gone", lambda: not connected(at, node))

    def wakes(self, node, *options):
        node.start(*options)
        node.api = Api(node)

    def all_synced(self):
        height = self.bitcoind.height()
        for node in self.nodes:
            if node.process is not None:
                until(f"{node.name} at {height}", lambda: node.synced(height))

    def mine(self, blocks):
        self.bitcoind.mine(blocks)
        self.all_synced()

    def end(self):
        for middle in self.middles:
            middle.end()
        demo.end_all()


def connected(node, other):
    return any(p["connected"] for p in node.api("listpeers")["peers"] if p["node_id"] == other.id)


def channel_of(node, other):
    return next(c for c in node.api("listchannels")["channels"] if c["peer"] == other.id)


def scid_number(text):
    block, transaction, output = (int(part) for part in text.split("x"))
    return block << 40 | transaction << 16 | output


def attack(field, what, *, patience=120, **arguments):
    """The attacker's program, once; gives its numbers, and what it printed before them."""
    done = subprocess.run(command(field.args.attacker, what, arguments), capture_output=True, text=True, timeout=patience)
    if done.returncode != 0:
        raise Wrong(done.stderr.strip() or f"attacker {what} ended with {done.returncode}")
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]), lines[:-1]


def begin(field, what, **arguments):
    """The same, going on beside what follows; killed with everything else."""
    process = subprocess.Popen(command(field.args.attacker, what, arguments), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    demo.running.append(process)
    return process


def command(program, what, arguments):
    return [str(program), what] + [f"{name}={value}" for name, value in arguments.items()]


def target(node):
    return f"{node.id}@{node.port}"


class Middle:
    """Sits between two of our nodes and shows every message to `rule`, which gives the messages to pass on instead."""

    def __init__(self, attacker, dialler, dialled):
        self.port, self.lock = free_port(), threading.Lock()
        self.rule = lambda sender, message: [message]
        keys = {name: Secrets(node).node_key.hex() for name, node in (("dialler", dialler), ("dialled", dialled))}
        self.process = subprocess.Popen(command(attacker, "middle", {"listen": self.port, "to": dialled.port, **keys}),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        demo.running.append(self.process)
        check(self.process.stdout.readline() == "ready\n", "the middle does not begin")
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        for line in self.process.stdout:
            words = line.split()
            if len(words) != 2:
                continue
            for message in self.rule(words[0], bytes.fromhex(words[1])):
                self.send("dialled" if words[0] == "dialler" else "dialler", message)

    def send(self, receiver, message):
        with self.lock:
            try:
                self.process.stdin.write(f"{receiver} {message.hex()}\n")
                self.process.stdin.flush()
            except OSError:
                pass  # it has ended

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass


class Batch:
    """A rule: what `quiet` has to say about HTLCs waits until `count` of them came from the other side, so that all but
    the first are in one round. `alter` changes single messages."""

    def __init__(self, middle, quiet, count, alter=lambda sender, message: message):
        self.middle, self.quiet, self.count, self.alter = middle, quiet, count, alter
        self.seen, self.held = 0, []
        middle.rule = self

    def __call__(self, sender, message):
        kind = kind_of(message)
        message = self.alter(sender, message)
        if sender == self.quiet:
            if 0 < self.seen < self.count and kind in (SIGNED, REVOKED, FAIL, FULFILL, MALFORMED):
                self.held.append(message)
                return []
        elif kind == ADD:
            self.seen += 1
            if self.seen == self.count:
                for waited in self.held:
                    self.middle.send(sender, waited)
        return [message]


class Watch:
    """The most memory and time for an answer that a node takes meanwhile, and its processor time."""

    def __init__(self, node, ask=False):
        self.node, self.ask, self.stop = node, ask, threading.Event()
        self.before = self.peak = memory_mib(node.process)
        self.slowest = 0.0
        self.cpu = cpu_seconds(node.process)

    def __enter__(self):
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def look(self):
        api = Api(self.node) if self.ask else None
        while not self.stop.wait(0.05):
            try:
                self.peak = max(self.peak, memory_mib(self.node.process))
                if api:
                    began = time.monotonic()
                    api("getinfo")
                    self.slowest = max(self.slowest, time.monotonic() - began)
            except (OSError, Wrong):
                if self.node.process is None or self.node.process.poll() is not None:
                    return

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(timeout=60)
        if self.node.process is not None and self.node.process.poll() is None:
            self.cpu = cpu_seconds(self.node.process) - self.cpu

    @property
    def growth(self):
        return self.peak - self.before


def alive(node):
    check(node.process.poll() is None, f"{node.name} has ended: {node.process.returncode}")
    began = time.monotonic()
    node.cli("getinfo")
    check(time.monotonic() - began < 10, f"{node.name} answers after {time.monotonic() - began:.1f} s")


class Payments:
    """Many payments at a time: the API answers when one has ended, so nobody waits for these answers."""
    AT_A_TIME = 150  # calls that wait: the API takes 192

    def __init__(self, payer, arguments):
        self.payer, self.known = payer, set(p["payment_id"] for p in payments(payer))
        self.count, self.refused = len(arguments), []
        for at in range(0, len(arguments), self.AT_A_TIME):
            some = arguments[at:at + self.AT_A_TIME]
            begun = [self.begin(payer, one) for one in some]
            try:
                until("", lambda: self.have_begun(at + len(some), begun))
            except Wrong:
                raise Wrong(f"{len(self.mine())} payments have begun, {len(self.refused)} were refused, of "
                            f"{at + len(some)}: {self.refused[:1]}")
            for connection in begun:
                connection.close()

    @staticmethod
    def begin(payer, arguments):
        connection = http.client.HTTPConnection("127.0.0.1", payer.rpc, timeout=60)
        connection.request("POST", "/v1/pay", json.dumps(arguments), {
            "Authorization": "Bearer " + payer.api.token, "Content-Type": "application/json"})
        return connection

    def have_begun(self, count, begun):
        for connection in [c for c in begun if c.sock and select.select([c.sock], [], [], 0)[0]]:
            answer = connection.getresponse()
            if answer.status != 200:
                self.refused.append(json.loads(answer.read())["error"]["message"])
            connection.close()
        return len(self.mine()) + len(self.refused) >= count

    def mine(self):
        return [p for p in payments(self.payer) if p["payment_id"] not in self.known]

    def over(self):
        return [p for p in self.mine() if p["state"] in ("settled", "failed", "expired")]

    def ended(self, patience=60):
        """Gives the payments that were not refused."""
        try:
            until("", lambda: len(self.over()) == len(self.mine()), patience)
        except Wrong:
            raise Wrong(f"{len(self.over())} of {self.count} payments have ended after {patience} s")
        return self.over()


def listed(node, method, what):
    try:
        return node.api(method, limit=1000)[what]
    except Wrong:
        return node.api(method)[what]  # 4887d87 knows no limit


def payments(node):
    """Its outgoing ones."""
    return [p for p in listed(node, "listpayments", "payments") if p["direction"] == "outgoing"]


def kind_of(message):
    return int.from_bytes(message[:2], "big")


def close_by_force(node, channel_id):
    try:
        node.api("closechannel", channel_id=channel_id, force=True, yes=True)
    except Wrong:
        node.api("closechannel", channel_id=channel_id, force=True)  # 4887d87 does not ask
