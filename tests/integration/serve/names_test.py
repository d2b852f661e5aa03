"""Several certificates: each client gets the one that its name (SNI) asks for."""

import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import TIMEOUT, Server, plait


def make_certificate(folder, name, host):
    """A certificate for `host` and its key, in files that begin with `name`; replaces both."""
    certificate, key = Path(folder) / f"{name}.crt", Path(folder) / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "5", "-subj", "/CN=test", "-addext",
                    f"subjectAltName={host}"], check=True, capture_output=True)
    return certificate, key


class Names(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.secret = self.folder / "secret"
        self.secret.write_text("s" * 32, encoding="utf-8")
        self.first = make_certificate(folder.name, "first", "DNS:first.example")
        self.second = make_certificate(folder.name, "second", "DNS:*.second.example")

    def shown(self, server, host):
        """The certificate that a client is shown which asks for `host`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", server.port("wss")), TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secure:
                return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))

    def expect_names(self, server):
        for host, (certificate, _) in (("first.example", self.first), ("a.second.example", self.second),
                                       ("other.example", self.first), (None, self.first)):
            self.assertEqual(self.shown(server, host), certificate.read_text(encoding="utf-8"), host)

    def test_by_options(self):
        arguments = ["--jwt-secret-file", self.secret]
        for certificate, key in (self.first, self.second):
            arguments += ["--cert", certificate, "--key", key]
        with Server(*arguments, listen=("wss://127.0.0.1:0", "https://127.0.0.1:0")) as server:
            self.expect_names(server)
            old = self.second[0].read_text(encoding="utf-8")
            make_certificate(self.folder, "second", "DNS:*.second.example")
            while self.shown(server, "a.second.example") == old:
                pass  # the server watches its files
            self.expect_names(server)

    def test_by_file(self):
        config = self.folder / "plait.toml"
        config.write_text(f"jwt.secret_file = '{self.secret}'\n[tls]\ncertificate = '{self.first[0]}'\n"
                          f"private_key = '{self.first[1]}'\n[[tls.further]]\ncertificate = '{self.second[0]}'\n"
                          f"private_key = '{self.second[1]}'\n", encoding="utf-8")
        with Server("--config", config, listen=("wss://127.0.0.1:0", "https://127.0.0.1:0")) as server:
            self.expect_names(server)

    def test_mistakes(self):
        def refused(text):
            file = self.folder / "wrong.toml"
            file.write_text(f"jwt.secret_file = '{self.secret}'\ntls.certificate = '{self.first[0]}'\n"
                            f"tls.private_key = '{self.first[1]}'\n{text}", encoding="utf-8")
            done = plait("check", file)
            self.assertEqual(done.returncode, 1)
            return done.stderr

        for wrong in ("'text'", "['a', 'b']", "[{certificate = 'a'}]", "[{certificate = 'a', key = 'b'}]",
                      "[{certificate = 1, private_key = 'b'}]"):
            self.assertIn('"tls.further" takes tables', refused(f"tls.further = {wrong}\n"), wrong)
        said = refused("tls.further = [{certificate = '/nonexistent', private_key = '/nonexistent'}]\n")
        self.assertIn("wrong.toml:4: tls.further: cannot read certificate file /nonexistent", said)
        said = refused(f"tls.further = [{{certificate = '{self.second[0]}', private_key = '{self.first[1]}'}}]\n")
        self.assertIn("does not belong to certificate file", said)


if __name__ == "__main__":
    unittest.main()
