"""How `plait` and `plait echo` answer wrong command lines and ask for help: named, with the fix, status 1."""

import subprocess
import unittest

import harness


def run(*arguments):
    return subprocess.run([harness.PLAIT, *arguments], capture_output=True, text=True, timeout=harness.TIMEOUT,
                          check=False)


class Command(unittest.TestCase):
    def assert_fails(self, arguments, *texts):
        result = run(*arguments)
        self.assertEqual(result.returncode, 1, arguments)
        self.assertEqual(result.stdout, "")
        for text in texts:
            self.assertIn(text, result.stderr)

    def test_help_lists_the_commands_with_a_line_each(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"(?m)^  echo +\w.{10,}$")

    def test_version(self):
        result = run("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"^plait \d+\.\d+\.\d+$")

    def test_help_of_every_command_has_examples(self):
        for command in (("echo",), ("echo", "serve"), ("echo", "send"), ("echo", "bench")):
            result = run(*command, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("Examples:\n  plait echo ", result.stdout)

    def test_a_missing_command(self):
        self.assert_fails((), "a command is required", "Try 'plait --help'")
        self.assert_fails(("echo",), "a command is required", "Try 'plait echo --help'")

    def test_an_unknown_command_suggests_the_nearest(self):
        self.assert_fails(("ecko",), "unknown command 'ecko'", "did you mean 'echo'?")
        self.assert_fails(("echo", "serv"), "unknown command 'serv' for 'plait echo'", "did you mean 'serve'?")

    def test_an_unknown_option_suggests_the_nearest(self):
        self.assert_fails(("echo", "bench", "--repeats=5"), "unknown option '--repeats' for 'plait echo bench'",
                          "did you mean '--repeat'?")
        self.assert_fails(("--versoin",), "did you mean '--version'?")

    def test_nothing_near_suggests_nothing(self):
        result = run("echo", "bench", "--xylophone")
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("did you mean", result.stderr)

    def test_wrong_values_name_the_option(self):
        for option, value in (("--port", "65536"), ("--port", "x"), ("--depth", "-1"), ("--repeat", "0"),
                              ("--parallel", "0"), ("--size", "2GiB"), ("--rate", "0"), ("--payload-file", "/nowhere")):
            self.assert_fails(("echo", "bench", option, value), option)
        self.assert_fails(("echo", "serve", "--model", "fibre"), "--model", "fibre")
        self.assert_fails(("echo", "serve", "--cpu", "100000"), "--cpu", "100000")

    def test_options_that_cannot_go_together(self):
        for model in ((), ("--model", "thread")):
            self.assert_fails(("echo", "serve", "--port", "0", *model, "--threads", "2"),
                              "--threads is for --model async")
        self.assert_fails(("echo", "bench", "--size", "1", "--message", "x"), "--message", "--size")
        self.assert_fails(("echo", "bench", "--parallel", "4", "--connections", "2"), "--connections 2", "--parallel 4")
        self.assert_fails(("echo", "bench", "--depth", "0"), "--depth 0", "--rate")
        self.assert_fails(("echo", "bench", "--size", "0"), "--size")
        self.assert_fails(("echo", "bench", "--message", ""), "an empty message is not on the wire", "--size 1")

    def test_nobody_listens(self):
        with harness.socket.socket() as unused:  # bound, and nobody listens
            unused.bind(("127.0.0.1", 0))
            port = str(unused.getsockname()[1])
            for command in ("send", "bench"):
                self.assert_fails(("echo", command, "--port", port), f"cannot connect to 127.0.0.1:{port}",
                                  f"plait echo serve --host 127.0.0.1 --port {port}")

    def test_a_port_in_use(self):
        for model in (("thread",), ("async",), ("async", "--threads", "2")):
            with harness.PlaitServer("--model", *model) as server:
                self.assert_fails(("echo", "serve", "--model", *model, "--port", str(server.port)),
                                  f"port {server.port} is in use")

    def test_a_name_that_does_not_resolve(self):
        self.assert_fails(("echo", "send", "--host", "no.such.host.invalid"), "no.such.host.invalid")

    def test_output_files_that_cannot_be_written(self):
        with harness.PlaitServer() as server:
            for option in ("--json", "--histogram"):
                measure = ("echo", "bench", "--port", str(server.port), "--repeat", "1", option)
                self.assert_fails((*measure, "/nowhere/x"),
                                  f"plait: {option} /nowhere/x: cannot be written: No such file or directory\n")
                result = run(*measure, "/dev/full")
                self.assertEqual(result.returncode, 1)
                self.assertIn(f"plait: {option} /dev/full: cannot be written: No space left on device\n", result.stderr)
            _, output = server.stop()
            self.assertIn("total: 2 connections", output, "the others were not measured")


if __name__ == "__main__":
    unittest.main()
