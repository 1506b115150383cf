"""A TCP proxy that cuts the connection after so many chunks."""
import socket
import threading

from demo import free_port

CHUNK = 65_536


class Proxy:
    def __init__(self, target):
        self.target, self.port = target, free_port()
        self.lock, self.left, self.seen, self.cuts, self.pairs = threading.Lock(), None, 0, 0, []
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def cut_after(self, chunks):
        """Cuts when so many chunks, of both directions together, have passed from now on. None: never."""
        with self.lock:
            self.left, self.seen = chunks, 0

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, source, sink):
        try:
            while chunk := source.recv(CHUNK):
                if self.due():
                    break
                sink.sendall(chunk)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def due(self):
        """Whether this chunk is the one that is not passed on any more."""
        with self.lock:
            self.seen += 1
            if self.left is None:
                return False
            self.left -= 1
            if self.left > 0:
                return False
            self.left = None
            self.cuts += 1
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return True
