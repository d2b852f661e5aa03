"""Several certificates: each client gets the one that its name (SNI) asks for."""

import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import TIMEOUT, Server, plait, wait_until


def make_certificate(folder, name, host=None):
    """A certificate for `host`, or that names none, and its key, in files that begin with `name`; replaces both."""
    certificate, key = Path(folder) / f"{name}.crt", Path(folder) / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "5", "-subj", "/CN=test",
                    *(("-addext", f"subjectAltName={host}") if host else ())], check=True, capture_output=True)
    return certificate, key


class Names(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.secret = self.folder / "secret"
        self.secret.write_text("s" * 32, encoding="utf-8")
        self.secret.chmod(0o600)
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
        arguments = ["--jwt-secret-file", self.secret, "--threads", 1]  # a reload reaches loops one after another
        for certificate, key in (self.first, self.second):
            arguments += ["--cert", certificate, "--key", key]
        with Server(*arguments, listen=("wss://127.0.0.1:0", "https://127.0.0.1:0")) as server:
            self.expect_names(server)
            old = self.second[0].read_text(encoding="utf-8")
            make_certificate(self.folder, "second", "DNS:*.second.example")
            wait_until(lambda: self.shown(server, "a.second.example") != old)  # the server watches its files
            self.expect_names(server)

    def write_config(self, first, further, listen=()):
        """A file with these certificates, `first` perhaps None."""
        config = self.folder / "plait.toml"
        config.write_text(f"listen = {list(listen)}\njwt.secret_file = '{self.secret}'\n[tls]\n"
                          + (f"certificate = '{first[0]}'\nprivate_key = '{first[1]}'\n" if first else "")
                          + f"[[tls.further]]\ncertificate = '{further[0]}'\nprivate_key = '{further[1]}'\n",
                          encoding="utf-8")
        return config

    def refused(self, config):
        """What `plait check` and `plait serve` both say, but for warnings."""
        said = {"\n".join(line for line in plait(*command).stderr.splitlines() if "plait: warning:" not in line)
                for command in (("check", config), ("serve", "--config", config))}
        self.assertEqual(len(said), 1, said)
        return said.pop()

    def test_one_that_names_no_host_is_refused_before_it_is_served(self):
        nameless = make_certificate(self.folder, "nameless")
        for listen in ((), ("ws://127.0.0.1:0",), ("wss://127.0.0.1:0",)):
            said = self.refused(self.write_config(self.first, nameless, listen))
            self.assertIn(f"plait.toml:6: tls.further: certificate file {nameless[0]} names no host", said)

    def test_further_ones_need_a_first(self):
        for listen in ((), ("ws://127.0.0.1:0",)):
            said = self.refused(self.write_config(None, self.second, listen))
            self.assertIn("plait.toml:4: tls.further needs tls.certificate and tls.private_key", said)

    def test_a_key_of_them_that_everyone_can_read_is_warned_of(self):
        self.second[1].chmod(0o604)
        done = plait("check", self.write_config(self.first, self.second))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"plait.toml:6: tls.further: every user of this machine can read it; chmod o= '{self.second[1]}'",
                      done.stderr)

    def test_one_that_has_expired_is_warned_of_once(self):
        subprocess.run(["openssl", "x509", "-in", self.second[0], "-signkey", self.second[1], "-out", self.second[0],
                        "-days", "-1"], check=True, capture_output=True)
        config = self.write_config(self.first, self.second, ("wss://127.0.0.1:0",))
        with Server("--config", config, listen=()) as server:
            server.wait_logged("expired on")
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.logged().count("expired on"), 1, server.logged())
        done = plait("check", config)
        self.assertEqual((done.returncode, done.stderr.count(f"{self.second[0]} expired on")), (0, 1), done.stderr)

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
