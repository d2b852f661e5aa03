"""Our server's TLS and `openssl s_client`."""

import subprocess
import unittest

import harness

harness.require(openssl=harness.has_program("openssl"))

REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class OpenSsl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.PlaitServer("wss://localhost:0")
        cls.address = cls.server.urls["wss"].removeprefix("wss://")

    @classmethod
    def tearDownClass(cls):
        with cls.server:
            assert cls.server.stop() == 0

    def s_client(self, *arguments, verify=True):
        """(status, output) of a request for /health."""
        command = ["openssl", "s_client", "-connect", self.address, "-CAfile", self.server.certificate, "-ign_eof",
                   *(["-verify_return_error", "-verify_hostname", "localhost"] if verify else []), *arguments]
        result = subprocess.run(list(map(str, command)), input=REQUEST, capture_output=True, timeout=harness.TIMEOUT,
                                check=False)
        return result.returncode, result.stdout.decode() + result.stderr.decode()

    def test_versions(self):
        for option, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            status, output = self.s_client(option)
            self.assertEqual(status, 0, output)
            self.assertIn(f"New, {name}, Cipher is ", output)
            self.assertIn("Verify return code: 0 (ok)", output)
            self.assertTrue("\r\n\r\nok\n" in output, output)

    def test_old_versions_are_refused(self):
        for option in ("-tls1", "-tls1_1"):
            status, output = self.s_client(option, "-cipher", "ALL:@SECLEVEL=0")
            self.assertNotEqual(status, 0)
            self.assertNotIn("HTTP/1.1 200", output)

    def test_alpn(self):
        status, output = self.s_client("-alpn", "h2,http/1.1")
        self.assertEqual(status, 0)
        self.assertIn("ALPN protocol: http/1.1", output)

    def test_ciphers(self):
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            status, output = self.s_client("-tls1_3", "-ciphersuites", suite)
            self.assertEqual(status, 0)
            self.assertIn(f"Cipher is {suite}", output)

    def test_the_certificate_is_for_localhost_and_its_addresses(self):
        for option, name in (("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1"), ("-verify_ip", "::1")):
            status, output = self.s_client("-verify_return_error", option, name, verify=False)
            self.assertEqual(status, 0, output)
        status, _ = self.s_client("-verify_return_error", "-verify_hostname", "example.org", verify=False)
        self.assertNotEqual(status, 0)


unittest.main()
