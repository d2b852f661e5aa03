"""Who may open a session: tokens made here by hand, so that two implementations agree on them."""

import base64
import hashlib
import hmac
import json
import os
import tempfile
import time
import unittest
from pathlib import Path

from harness import ALL_WIRES, Server, plait, publish

SECRET = "an integration test's secret of more than 32 bytes"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(secret=SECRET, **claims):
    claims = {"sub": "tester", "exp": int(time.time()) + 600} | claims
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = encode(b'{"alg":"HS256"}') + "." + encode(json.dumps(claims).encode())
    return signed + "." + encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


class Production(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.secret_file = Path(folder) / "secret"
        cls.secret_file.write_text(SECRET + "\n", encoding="utf-8")
        cls.server = cls.enterClassContext(
            Server("--jwt-secret-file", cls.secret_file, "--access-log",
                   listen=("ws://127.0.0.1:0", "tcp://127.0.0.1:0")))

    def refused(self, log, **headers):
        status, fields, body = self.server.upgrade(**headers)
        self.assertEqual((status, fields["WWW-Authenticate"], body), (401, "Bearer", "unauthorized\n"))
        self.server.wait_logged(log)

    def test_bearer_is_accepted(self):
        self.assertEqual(self.server.upgrade(Authorization="Bearer " + make_token())[0], 101)

    def test_scheme_is_compared_without_case(self):
        self.assertEqual(self.server.upgrade(Authorization="bearer " + make_token())[0], 101)

    def test_cookie_is_accepted(self):
        self.assertEqual(self.server.upgrade(Cookie="a=b; access_token=" + make_token() + "; c=d")[0], 101)

    def test_subprotocol_is_accepted_and_not_sent_back(self):
        status, fields, _ = self.server.upgrade(Sec_WebSocket_Protocol="plait.v1, bearer." + make_token())
        self.assertEqual((status, fields["Sec-WebSocket-Protocol"]), (101, "plait.v1"))
        status, fields, _ = self.server.upgrade(Sec_WebSocket_Protocol="bearer." + make_token())
        self.assertEqual((status, fields["Sec-WebSocket-Protocol"]), (101, None))

    def test_what_the_page_says_goes_before_what_its_browser_adds(self):
        bad = make_token(SECRET + "?")
        cookie = "access_token=" + make_token()
        self.refused("signature was not made", Cookie=cookie, Sec_WebSocket_Protocol="plait.v1, bearer." + bad)
        self.assertEqual(self.server.upgrade(Authorization="Bearer " + make_token(),
                                             Sec_WebSocket_Protocol="plait.v1, bearer." + bad)[0], 101)

    def test_cookie_of_a_longer_name_is_another(self):
        self.refused("no access token", Cookie="my_access_token=" + make_token())

    def test_missing(self):
        self.refused("no access token")

    def test_wrong_key(self):
        self.refused("signature was not made", Authorization="Bearer " + make_token(SECRET + "?"))

    def test_expired(self):
        self.refused('(claim "exp")', Authorization="Bearer " + make_token(exp=int(time.time()) - 60))

    def test_a_session_ends_with_its_token_and_needs_a_new_one(self):
        # With 30 s for the clocks so many are left; a machine that is busy may need more until the session is open.
        for left in (5, 15, 25):
            token = make_token(exp=int(time.time()) - 30 + left)
            done = plait("sub", "demo", "--reconnect", "--url", self.server.url(), PLAIT_TOKEN=token, timeout=60)
            self.assertEqual(done.returncode, 1)
            if "the session has ended" in done.stderr:
                break
        self.assertIn("the session has ended (4401): the authentication has expired; connecting again", done.stderr)
        self.assertIn("401", done.stderr.splitlines()[-1])

    def test_who_is_refused_often_fills_no_log(self):
        with Server("--jwt-secret-file", self.secret_file) as server:
            began = time.monotonic()
            for _ in range(50):
                self.assertEqual(server.upgrade()[0], 401)
                self.assertEqual(server.upgrade(Origin="https://evil.example")[0], 403)
            self.assertEqual(server.stop(), 0)
            intervals = 1 + int((time.monotonic() - began) / 10)
            for line in ("there is no access token", "refused a session from origin https://evil.example"):
                told = server.logged().count(line)
                self.assertTrue(1 <= told <= intervals * len(os.sched_getaffinity(0)), (line, told))

    def test_without_expiry(self):
        self.refused('no claim "exp"', Authorization="Bearer " + make_token(exp=None))

    def test_without_subject(self):
        self.refused('no claim "sub"', Authorization="Bearer " + make_token(sub=None))

    def test_foreign_origin(self):
        status = self.server.upgrade(Origin="https://evil.example", Authorization="Bearer " + make_token())[0]
        self.assertEqual(status, 403)

    def test_no_development_token(self):
        self.assertEqual(self.server.request("/dev/token")[0], 404)

    def test_refused_on_the_wire_without_http(self):
        done = publish(self.server, "1", scheme="tcp", token=make_token(SECRET + "?"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("401", done.stderr)

    def test_plait_token_is_accepted_on_both_wires(self):
        made = plait("token", "--user", "alice", "--secret-file", self.secret_file, "--ttl", "5m", "--claim",
                     "role=admin", "--claim", "n=[1]")
        self.assertEqual(made.returncode, 0, made.stderr)
        token = made.stdout.strip()
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.assertEqual((claims["sub"], claims["role"], claims["n"]), ("alice", "admin", [1]))
        self.assertEqual(claims["exp"] - claims["iat"], 300)
        for scheme in ("ws", "tcp"):
            done = publish(self.server, "1", scheme=scheme, token=token)
            self.assertEqual(done.returncode, 0, done.stderr)


class Development(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", listen=ALL_WIRES[:1]))

    def test_refusal_says_why(self):
        status, _, body = self.server.upgrade()
        self.assertEqual(status, 401)
        self.assertIn("Authorization: Bearer", body)

    def test_printed_token_is_accepted(self):
        self.assertEqual(self.server.upgrade(Authorization="Bearer " + self.server.token)[0], 101)

    def test_page_gets_a_token_in_a_strict_cookie(self):
        status, fields, body = self.server.request("/dev/token")
        self.assertEqual(status, 200)
        self.assertIn("; SameSite=Strict", fields["Set-Cookie"])
        self.assertEqual(fields.get_all("Cache-Control"), ["no-store"])
        self.assertEqual(self.server.upgrade(Cookie=fields["Set-Cookie"].split(";")[0])[0], 101)
        self.assertIn(json.loads(body)["token"], fields["Set-Cookie"])

    def test_no_token_for_other_methods(self):
        status, fields, _ = self.server.request("/dev/token", method="POST")
        self.assertEqual((status, fields["Set-Cookie"]), (405, None))

    def test_no_token_for_foreign_pages(self):
        own = f"http://127.0.0.1:{self.server.port()}"
        self.assertEqual(self.server.request("/dev/token", Origin=own)[0], 200)
        for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"},
                        {"Host": "evil.example:8800"}, {"Host": "127.evil.example"}):
            self.assertEqual(self.server.request("/dev/token", **headers)[0], 403, headers)


class PlaitToken(unittest.TestCase):
    def test_as_json(self):
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write(SECRET)
            secret.flush()
            done = plait("token", "--user", "alice", "--secret-file", secret.name, "--json")
        self.assertEqual(json.loads(done.stdout)["token"].count("."), 2)

    def failure(self, *arguments):
        done = plait("token", "--user", "alice", *arguments)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_errors_name_the_option(self):
        self.assertIn("--secret-file", self.failure())
        self.assertIn("/nonexistent", self.failure("--secret-file", "/nonexistent"))
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("x" * 31)
            secret.flush()
            self.assertIn("32", self.failure("--secret-file", secret.name))
            secret.write("x")
            secret.flush()
            self.assertIn("--claim sub", self.failure("--secret-file", secret.name, "--claim", "sub=bob"))
            self.assertIn("NAME=VALUE", self.failure("--secret-file", secret.name, "--claim", "role"))
            for value in ("1e400", '{"y":1e400}', "18446744073709551616"):
                self.assertIn("--claim x: the value has a number beyond 64-bit integers and doubles",
                              self.failure("--secret-file", secret.name, "--claim", "x=" + value))


if __name__ == "__main__":
    unittest.main()
