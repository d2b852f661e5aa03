"""Our server and node's ws as the client; node_client.js has the tests."""

import unittest

import harness

harness.require(nodejs=harness.has_program("node"), node_ws=harness.has_node_ws())


class NodeWs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.PlaitServer("--deflate", "ws://127.0.0.1:0", "wss://localhost:0")

    @classmethod
    def tearDownClass(cls):
        with cls.server:
            assert cls.server.stop() == 0

    def run_test(self, name, scheme="ws"):
        status, output, error = harness.run_node("node_client.js", name, self.server.urls[scheme],
                                                 self.server.certificate)
        self.assertEqual((status, output), (0, "passed\n"), error)

    def test_sizes(self):
        self.run_test("sizes")

    def test_tls(self):
        self.run_test("tls", "wss")

    def test_fragments(self):
        self.run_test("fragments")

    def test_pings(self):
        self.run_test("pings")

    def test_closes(self):
        self.run_test("closes")
        self.server.lines_until("closed 4001 clean peer enough")
        self.server.lines_until("closed 1012 clean us restart")

    def test_deflate(self):
        self.run_test("deflate")

    def test_a_hundred_at_once(self):
        self.run_test("hundred")

    def test_terminate(self):
        self.run_test("terminate")
        lines = [self.server.line()]
        while not lines[-1].startswith("closed 1006 unclean peer"):
            lines.append(self.server.line())

    def test_refusal(self):
        self.run_test("refusal")


unittest.main()
