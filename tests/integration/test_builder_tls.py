"""A buildkitd on another machine, over mutual TLS: who is let in, and what is said when somebody is not."""
import os
import re

import depot_test
from depot_test import Certificates, TestCase, eventually, unique


class BuilderTls(TestCase):
    builders = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ours, theirs = Certificates(cls.home.path("ours")), Certificates(cls.home.path("theirs"))
        cls.ours, cls.theirs = ours, theirs
        server = ours.issue("server", "DNS:localhost,DNS:builder.example")
        cls.client, cls.stranger = ours.issue("client"), theirs.issue("stranger")
        cls.port = depot_test.free_port()
        engine = depot_test.own_engine(cls.home, "tls", listen=["tcp://127.0.0.1:%d" % cls.port],
                                       tls=(ours.path("ca.pem"), *server))
        engine.__enter__()
        cls.addClassCleanup(engine.__exit__, None, None, None)

    def builder(self, host="localhost", ca=None, client=None, more=""):
        """A home whose only builder is reached in this way."""
        address = "tcp://%s:%d" % (host, self.port)
        address += ",ca=" + ca if ca else ""
        address += ",cert=%s,key=%s" % client if client else ""
        return self.new_home([("far", address + more)])

    def refused(self, home, *says):
        """A build says why the builder is not there, and so does the list of builders."""
        result = home.depot("build", "-q", self.context(""))
        self.bad(result, 1, "no builder can build linux/amd64", *says)
        for what in says:
            self.assertTrue(eventually(lambda w=what: self.matches(w, home.api("/v1/builders")[1]["builders"][0]), 10),
                            (what, home.api("/v1/builders")[1]))

    @staticmethod
    def matches(what, builder):
        return not builder["up"] and re.search(what, builder.get("reason", ""))

    def test_the_right_certificates_build(self):
        home = self.builder(ca=self.ours.path("ca.pem"), client=self.client)
        word = unique()
        out = os.path.join(self.tmp(), "o")
        self.good(home.depot("build", "-q", "-o", out, self.context("RUN echo %s > /f\n" % word)))
        self.assertEqual(self.read(out, "f").decode().strip(), word)
        data = os.urandom(8 << 20)
        self.good(home.depot("build", "-q", "-o", out, self.context("COPY big /\n", {"big": data})))
        self.assertEqual(self.read(out, "big"), data)

    def test_another_name_in_the_certificate(self):
        right = dict(ca=self.ours.path("ca.pem"), client=self.client)
        self.refused(self.builder(host="127.0.0.1", **right), "certificate is not trusted: .*mismatch")
        home = self.builder(host="127.0.0.1", more=",server-name=builder.example", **right)
        self.good(home.depot("build", "-q", self.context("")))

    def test_no_client_certificate(self):
        self.refused(self.builder(ca=self.ours.path("ca.pem")), "demands a client certificate that it trusts")

    def test_a_client_certificate_of_somebody_else(self):
        self.refused(self.builder(ca=self.ours.path("ca.pem"), client=self.stranger), "demands a client certificate that it trusts")

    def test_a_server_that_is_not_trusted(self):
        self.refused(self.builder(ca=self.theirs.path("ca.pem"), client=self.client), "server's certificate is not trusted")

    def test_without_tls_it_is_no_buildkit(self):
        self.refused(self.builder(), "closed the connection")

    def test_files_that_are_not_there_are_named(self):
        ca = self.ours.path("ca.pem")
        for client, wrong in (((self.ours.path("none.pem"), self.client[1]), "none.pem"),
                              ((self.client[0], self.ours.path("none.key")), "none.key"),
                              ((self.client[0], self.stranger[1]), "stranger.key")):
            with self.subTest(wrong):
                home = self.builder(ca=ca, client=client)
                self.bad(home.depot("build", "-q", self.context("")), (1, 2), wrong)

    def test_a_certificate_that_has_ended(self):
        old = self.ours.issue("old", days=-1)
        self.refused(self.builder(ca=self.ours.path("ca.pem"), client=old), "demands a client certificate that it trusts")


if __name__ == "__main__":
    depot_test.need("buildkitd", "buildctl")
    depot_test.main()
