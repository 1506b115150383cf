"""A TCP proxy that knows who dials and cuts connections after so many chunks. One stands in front of every node that
others dial, so that all connections of the network can be cut."""
import os
import socket
import threading

import demo
from demo import free_port

CHUNK = 65_536


def dialler(port):
    """The process of ours that dials from this port."""
    local = f"0100007F:{port:04X}"
    with open("/proc/net/tcp") as table:
        inode = next((fields[9] for fields in map(str.split, table) if fields[1] == local), None)
    for process in list(demo.running):
        try:
            folder = f"/proc/{process.pid}/fd"
            if any(os.readlink(f"{folder}/{fd}") == f"socket:[{inode}]" for fd in os.listdir(folder)):
                return process
        except OSError:
            pass  # the process or one of its files is gone meanwhile
    return None


class Connection:
    def __init__(self, proxy, near, far):
        self.proxy, self.ends, self.dialler = proxy, (near, far), dialler(near.getpeername()[1])

    def cut(self):
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Shears:
    """What several proxies may share: cuts the connection of the n-th chunk that counts."""

    def __init__(self, counts=lambda connection: True):
        self.lock, self.left, self.counts, self.cuts, self.victim = threading.Lock(), None, counts, 0, None

    def cut_after(self, chunks):
        """From now on, chunks in either direction. None: never."""
        with self.lock:
            self.left = chunks

    def due(self, connection):
        """Whether this chunk is the one that is not passed on any more."""
        with self.lock:
            if self.left is None or not self.counts(connection):
                return False
            self.left -= 1
            if self.left > 0:
                return False
            self.left, self.victim = None, connection
            self.cuts += 1
            return True


class Proxy:
    def __init__(self, target):
        self.target, self.port, self.shears = target, free_port(), Shears()
        self.lock, self.connections = threading.Lock(), set()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
                connection = Connection(self, near, far)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.connections.add(connection)
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(connection, a, b), daemon=True).start()

    def pump(self, connection, source, sink):
        try:
            while chunk := source.recv(CHUNK):
                if self.shears.due(connection):
                    break
                sink.sendall(chunk)
        except OSError:
            pass
        connection.cut()
        with self.lock:
            self.connections.discard(connection)
