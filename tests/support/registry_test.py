"""A real registry for tests, and a proxy before it that answers wrongly where a test asks for it.

The faults of a registry cannot be had from a healthy one: the proxy passes everything on but the requests that
a Fault names. It keeps a log of who asked for what, and can demand tokens as hosted registries do.
"""
import base64
import contextlib
import http.client
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request

from depot_test import eventually, free_port

MANIFESTS = ",".join((
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json"))


class Registry:
    """docker-registry over a directory of its own.

    It takes one request at a time: version 2.8 loses a blob now and then that two engines push into one repository
    at the same time, and says "provided digest did not match uploaded content" or "blob unknown to registry".
    """

    def __init__(self, delete=False):
        self.dir = tempfile.mkdtemp(prefix="depot-reg-")
        self.lock = threading.Lock()
        self.upstream = self.port = free_port()
        with open(self.dir + "/config.yml", "w") as f:
            f.write("version: 0.1\nlog:\n  level: error\nstorage:\n  delete:\n    enabled: %s\n  filesystem:\n"
                    "    rootdirectory: %s/data\nhttp:\n  addr: 127.0.0.1:%d\n" % (str(delete).lower(), self.dir, self.port))
        with open(self.dir + "/log", "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.dir + "/config.yml"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        if not eventually(lambda: self.get("/v2/") is not None, 10):
            raise AssertionError("docker-registry did not start")
        self.front = Proxy(self)
        self.port = self.front.port

    def get(self, path):
        q = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), headers={"Accept": MANIFESTS})
        try:
            with urllib.request.urlopen(q, timeout=5) as a:
                return a.read() or b" "
        except OSError:
            return None

    def digest(self, repository, tag):
        q = urllib.request.Request("http://127.0.0.1:%d/v2/%s/manifests/%s" % (self.port, repository, tag), method="HEAD",
                                   headers={"Accept": MANIFESTS})
        try:
            with urllib.request.urlopen(q, timeout=5) as a:
                return a.headers["Docker-Content-Digest"]
        except OSError:
            return None

    def manifest(self, repository, reference):
        data = self.get("/v2/%s/manifests/%s" % (repository, reference))
        return json.loads(data) if data else None

    def put(self, repository, tag, text):
        """A manifest by hand, as somebody else would."""
        q = urllib.request.Request("http://127.0.0.1:%d/v2/%s/manifests/%s" % (self.port, repository, tag), method="PUT",
                                   data=text, headers={"Content-Type": json.loads(text)["mediaType"]})
        with urllib.request.urlopen(q, timeout=5):
            pass

    def platforms(self, repository, tag):
        return sorted(m["platform"]["architecture"] for m in self.manifest(repository, tag)["manifests"]
                      if m["platform"]["architecture"] != "unknown")

    def close(self):
        self.front.close()
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)


class Fault:
    """What the proxy does to requests of ours that match, `times` times, after letting `skip` of them through."""

    def __init__(self, method, path, status=None, times=10 ** 6, skip=0, headers=(), body=b"", does=None, who="depot/"):
        self.method, self.path = method, re.compile(path)
        self.status, self.times, self.skip, self.headers, self.body, self.does = status, times, skip, headers, body, does
        self.who = who
        self.hits = 0

    def matches(self, method, path, agent):
        if method != self.method or self.who not in agent or not self.path.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return self.hits <= self.times


class Proxy:
    """HTTP on a port of its own, before a Registry."""

    def __init__(self, registry, token=None, basic=None, tls=None):
        self.registry, self.token, self.basic = registry, token, basic
        self.scheme = "https" if tls else "http"
        self.faults, self.log, self.authorizations = [], [], []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do(self):
                proxy.serve(self)
            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.host = "localhost:%d" % self.port

    def ours(self, but_tokens=True):
        """The requests of the daemon, as "METHOD path"."""
        return [line for agent, line in self.log if "depot/" in agent and not (but_tokens and "/token" in line)]

    def reset(self, *faults):
        self.faults, self.log, self.authorizations = list(faults), [], []

    # ---- one request ----

    def answer(self, h, status, headers=(), body=b""):
        h.send_response(status)
        for k, v in headers:
            h.send_header(k, v)
        if not any(k.lower() == "content-length" for k, _ in headers):
            h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)

    def serve_token(self, h, body):
        given = h.headers.get("Authorization", "")
        if self.basic and given != "Basic " + base64.b64encode(self.basic.encode()).decode():
            return self.answer(h, 401, body=b'{"details":"incorrect username or password"}')
        return self.answer(h, 200, [("Content-Type", "application/json")], json.dumps({"token": self.token}).encode())

    def unauthorized(self, h):
        if self.token is None and self.basic is None:
            return False
        given = h.headers.get("Authorization", "")
        if self.token is not None:
            if given == "Bearer " + self.token:
                return False
            repository = re.match(r"/v2/(.*?)/(manifests|blobs)/", h.path)
            challenge = 'Bearer realm="http://%s/token",service="it"' % self.host
            if repository:
                challenge += ',scope="repository:%s:pull,push"' % repository.group(1)
        else:
            if given == "Basic " + base64.b64encode(self.basic.encode()).decode():
                return False
            challenge = 'Basic realm="it"'
        self.answer(h, 401, [("WWW-Authenticate", challenge)],
                    b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
        return True

    def serve(self, h):
        body = self.read(h)
        agent = h.headers.get("User-Agent", "")
        self.log.append((agent, "%s %s" % (h.command, h.path)))
        if h.headers.get("Authorization"):
            self.authorizations.append((agent, h.headers["Authorization"]))
        if h.path.startswith("/token"):
            return self.serve_token(h, body)
        if self.unauthorized(h):
            return None
        for fault in self.faults:
            if fault.matches(h.command, h.path, agent):
                if fault.does is not None and fault.does(self, h, body) is not False:
                    return None
                if fault.status is not None:
                    return self.answer(h, fault.status, fault.headers, fault.body)
        return self.forward(h, body)

    @staticmethod
    def read(h):
        if "chunked" in h.headers.get("Transfer-Encoding", ""):
            body = b""
            while True:
                n = int(h.rfile.readline().split(b";")[0], 16)
                body += h.rfile.read(n)
                h.rfile.readline()
                if n == 0:
                    return body
        return h.rfile.read(int(h.headers.get("Content-Length") or 0))

    def forward(self, h, body):
        headers = {k: v for k, v in h.headers.items()
                   if k.lower() not in ("authorization", "transfer-encoding", "content-length", "connection")}
        headers["X-Forwarded-Proto"] = self.scheme
        with self.registry.lock:
            c = http.client.HTTPConnection("127.0.0.1", self.registry.upstream, timeout=30)
            c.request(h.command, h.path, body=body or None, headers=headers)
            a = c.getresponse()
            data = a.read()
        kept = [(k, v) for k, v in a.getheaders() if k.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server")]
        if h.command == "HEAD":
            kept.append(("Content-Length", a.getheader("Content-Length", "0")))
        self.answer(h, a.status, kept, data)
        c.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def wait(seconds):
    """Does: answers only after a while, with what the registry says."""
    def does(proxy, h, body):
        time.sleep(seconds)
        return False
    return does


def cut(proxy, h, body):
    """Does: half an answer, and the connection breaks."""
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"half\":")
    h.close_connection = True


def endless(status):
    """Does: an answer that goes on for as long as somebody reads it."""
    def does(proxy, h, body):
        h.send_response(status)
        h.end_headers()
        h.close_connection = True
        with contextlib.suppress(OSError):
            while True:
                h.wfile.write(b"x" * 65536)
    return does


def swallow(proxy, h, body):
    """Does: the registry gets it, but its answer is lost."""
    class Nobody:
        command, path, headers = h.command, h.path, h.headers
        wfile = open(os.devnull, "wb")

        def send_response(self, *a):
            pass
        send_header = end_headers = send_response
    proxy.forward(Nobody(), body)
    h.close_connection = True
    h.connection.close()
