"""make serve and make test on a machine where nothing is installed and where everything is.

The programs that would change the machine are replaced by scripts that note how they were called: apt-get installs into
a file that dpkg-query reads, cmake "builds" a `plait` that notes its arguments, ctest writes the results it is told.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(sys.argv.pop(1)).resolve()
PROGRAMS = {
    "dpkg-query": '''shift 3; for p; do awk -v p="$p" '$1 == p { print "ii", p, $2 }' installed; done; exit 0''',
    "apt-get": """
suites() { sed -n 's/^Suites: //p' root/etc/apt/sources.list.d/$1 2>/dev/null; }
case " $* " in
*" -s "*) exit 0 ;;
*" --no-release-info "*) cat targets; suites 'plait-*' | sed 's,$,|http://mirror/debian/|/a:1|main,'; exit 0 ;;
*" indextargets "*) cat lists; exit 0 ;;
esac
note apt-get "$@"
case " $* " in *" update "*) suites '*.sources' | grep -vxFf unreachable > lists; [ ! -s unreachable ]; exit ;; esac
[ ! -e root/usr/sbin/policy-rc.d ] || note without-services
while [ $# -gt 0 ] && [ "$1" != install ]; do shift; done
[ $# = 0 ] || { shift; for p; do echo "${p%%/*} 9" >> installed; done; }""",
    "sudo": 'exec "$@"',
    "systemctl": 'note systemctl "$@"',
    "cmake": """
note cmake "$@"
mkdir -p build/release
case $1 in
--preset) touch build/release/build.ninja ;;
--build) printf '#!/bin/sh\\necho plait "$@" >> calls\\n' > build/release/plait; chmod +x build/release/plait ;;
esac""",
    "ctest": """
note ctest "$@"
while [ "$1" != --output-junit ]; do shift; done
cp junit "$2"
! grep -q failure junit""",
}
DEBIAN = "Types: deb\nURIs: http://mirror/debian/\nSuites: bookworm\nComponents: main\nSigned-By: /keys/debian.gpg\n"
BACKPORTS = "Types: deb\nURIs: http://mirror/debian/\nSuites: bookworm-backports\nComponents: main\n"
OTHERS = "Types: deb\nURIs: http://docker\nSuites: bookworm\nComponents: stable\nSigned-By: /keys/docker.gpg\n"
EMBEDDED = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n"
LIST = "deb [arch=amd64 signed-by=/keys/list.gpg] http://mirror/debian bookworm main\n"
KEYLESS_LIST = "deb [arch=amd64] http://mirror/debian bookworm main\n"
OTHERS_LIST = "deb [signed-by=/keys/docker.gpg] http://docker bookworm stable\n"
PASSED = '<testcase name="a" status="run">\n'
FAILED = '<testcase name="b" status="fail">\n<failure message=""/>\n'
SKIPPED = '<testcase name="c" status="notrun">\n<skipped message="SKIP_RETURN_CODE=77"/>\n'


class Make(unittest.TestCase):
    def setUp(self):
        self.tree = Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copy(SOURCE / "Makefile", self.tree)
        shutil.copytree(SOURCE / "scripts", self.tree / "scripts")
        (self.tree / "bin").mkdir()
        for name, script in PROGRAMS.items():
            file = self.tree / "bin" / name
            file.write_text(f'#!/bin/bash\ncd {self.tree}\nnote() {{ echo "$@" >> calls; }}\n{script}\n')
            file.chmod(0o755)
        for name in ("installed", "unreachable", "lists"):
            (self.tree / name).touch()
        self.root = self.tree / "root"
        (self.root / "etc/apt/sources.list.d").mkdir(parents=True)
        (self.root / "usr/sbin").mkdir(parents=True)
        self.system("bookworm", DEBIAN)
        self.results(PASSED)

    def system(self, codename, sources, *targets, name="debian.sources:1"):
        """A release of Debian, its file of apt's sources, and what apt makes of it: `name` is its entry of Debian."""
        (self.root / "etc/os-release").write_text(f"VERSION_CODENAME={codename}\n")
        (self.root / "etc/apt/sources.list.d" / name.split(":")[0]).write_text(sources)
        entry = f"/etc/apt/sources.list.d/{name}"
        releases = (codename, *targets)
        (self.tree / "targets").write_text("".join(f"{name}|http://mirror/debian/|{entry}|main\n" for name in releases))

    def results(self, *cases):
        (self.tree / "junit").write_text("".join(cases))

    def run_make(self, *arguments, **variables):
        """(exit status, output, the calls that were noted)"""
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("CI", "SKIP_DEPS", "ARGS", "JOBS", "MAKEFLAGS", "MAKELEVEL")}
        calls = self.tree / "calls"
        calls.write_text("")
        variables = clean | {"PATH": f"{self.tree}/bin:{os.environ['PATH']}",
                             "PLAIT_ROOT_FOLDER": str(self.root)} | variables
        done = subprocess.run(["make", *arguments], cwd=self.tree, env=variables, capture_output=True, text=True,
                              timeout=50, check=False)
        return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines()

    @staticmethod
    def programs(calls):
        return [call.split()[0] for call in calls]

    def test_serve_installs_builds_a_release_and_starts_in_development_mode(self):
        status, output, calls = self.run_make("serve")
        self.assertEqual(status, 0, output)
        self.assertEqual(self.programs(calls), ["apt-get", "apt-get", "cmake", "cmake", "plait"])
        self.assertIn(" update", calls[0])
        for package in (" install ", " cmake", " g++", " libssl-dev"):
            self.assertIn(package, calls[1])
        self.assertEqual(calls[2], "cmake --preset release")
        self.assertIn("--build --preset release", calls[3])
        self.assertEqual(calls[4], "plait serve --dev")

    def test_later_runs_skip_the_installation(self):
        self.run_make("serve")
        status, output, calls = self.run_make("serve")
        self.assertEqual((status, self.programs(calls)), (0, ["cmake", "plait"]), output)
        (self.tree / "build/deps.build").unlink()  # and without the stamp it only looks
        status, output, calls = self.run_make("serve")
        self.assertEqual((status, self.programs(calls)), (0, ["cmake", "plait"]), output)

    def test_install_builds_what_is_installed(self):
        status, output, calls = self.run_make("install", "PREFIX=/opt/a b")
        self.assertEqual(status, 0, output)
        self.assertRegex(calls[-2], "^cmake --build --preset release .* --target plait plait_cli$")
        self.assertEqual(calls[-1], "cmake --install build/release --prefix /opt/a b --component plait")

    @property
    def added(self):
        return self.root / "etc/apt/sources.list.d/plait-bookworm-backports.sources"

    def backports(self):
        return self.added.read_text() if self.added.exists() else None

    def test_what_debian_12_has_only_in_backports_comes_from_there(self):
        status, output, calls = self.run_make("serve")
        self.assertEqual(status, 0, output)
        self.assertIn("adding bookworm-backports of http://mirror/debian/ to apt", output)
        self.assertEqual(self.backports(), BACKPORTS + "Signed-By: /keys/debian.gpg\n")
        for package in ("libngtcp2-dev", "libngtcp2-crypto-gnutls-dev", "libnghttp3-dev"):
            self.assertIn(f" {package}/bookworm-backports", calls[1])
        self.assertIn(" libgnutls28-dev ", calls[1])

    def test_an_older_version_is_not_enough(self):
        for version, enough in (("0.12.1+dfsg-1", False), ("1.11.0-1~bpo12+1", True), ("1.9.0", False), ("2.0", True)):
            self.run_make("deps")
            installed = (self.tree / "installed").read_text().replace("libngtcp2-dev 9", f"libngtcp2-dev {version}")
            (self.tree / "installed").write_text(installed)
            status, output, calls = self.run_make("deps")
            self.assertEqual((status, self.programs(calls)), (0, [] if enough else ["apt-get", "apt-get"]), output)
            (self.tree / "installed").write_text("")

    def test_a_source_that_offers_backports_is_left_alone(self):
        self.system("bookworm", DEBIAN, "bookworm-backports")
        status, output, calls = self.run_make("deps")
        self.assertEqual((status, self.backports()), (0, None), output)
        self.assertIn(" libngtcp2-dev/bookworm-backports", calls[1])

    def test_the_key_is_the_one_of_debians_own_entry(self):
        key = "Signed-By: /keys/debian.gpg\n"
        for name, sources, signed_by in (
                ("a.list:1", LIST, "Signed-By: /keys/list.gpg\n"),
                ("a.list:2", OTHERS_LIST + LIST, "Signed-By: /keys/list.gpg\n"),
                ("a.list:2", OTHERS_LIST + KEYLESS_LIST, ""),
                ("a.list:1", KEYLESS_LIST + OTHERS_LIST, ""),
                ("a.list:1", LIST.replace("list.gpg", "a.gpg,/keys/b.gpg"), "Signed-By: /keys/a.gpg /keys/b.gpg\n"),
                ("a.sources:2", f"# ours\n\n{OTHERS}\n\n# Debian\n\n{DEBIAN}", key),
                ("a.sources:1", f"{DEBIAN}\n{OTHERS}", key),
                ("a.sources:2", f"{OTHERS}\n{DEBIAN.replace(key, '')}", ""),
                ("a.sources:1", DEBIAN.replace(key, EMBEDDED) + "Enabled: yes\n", EMBEDDED)):
            with self.subTest(name=name, sources=sources):
                self.system("bookworm", sources, name=name)
                status, output, _ = self.run_make("deps")
                self.assertEqual((status, self.backports()), (0, BACKPORTS + signed_by), output)
                (self.tree / "installed").write_text("")
                self.added.unlink()

    def test_a_source_that_apt_cannot_use_is_taken_back(self):
        (self.tree / "unreachable").write_text("bookworm-backports\n")
        status, output, calls = self.run_make("deps")
        self.assertEqual((status != 0, self.programs(calls), self.backports()), (True, ["apt-get"], None), output)
        self.assertIn("Add a source that has bookworm-backports to /etc/apt/sources.list.d", output)

    def test_one_that_cannot_be_reached_and_is_not_ours_stops_nothing(self):
        (self.tree / "unreachable").write_text("elsewhere\n")
        status, output, _ = self.run_make("deps")
        self.assertEqual(status, 0, output)
        self.assertIn("apt-get update had errors", output)
        self.assertIsNotNone(self.backports())

    def test_no_file_of_the_user_is_written_over(self):
        theirs = self.root / "etc/apt/sources.list.d/bookworm-backports.sources"
        for file in (theirs, self.added):
            file.write_text("Types: deb\nEnabled: no\n")
        status, output, calls = self.run_make("deps")
        self.assertEqual((status != 0, calls), (True, []), output)
        self.assertIn("plait-bookworm-backports.sources is there, but apt is not to use it", output)
        self.added.unlink()
        self.assertEqual(self.run_make("deps")[0], 0)
        self.assertEqual(theirs.read_text(), "Types: deb\nEnabled: no\n")

    def test_debian_13_has_them_itself(self):
        self.system("trixie", DEBIAN.replace("bookworm", "trixie"))
        status, output, calls = self.run_make("deps")
        self.assertEqual((status, self.backports()), (0, None), output)
        self.assertIn(" libngtcp2-dev ", calls[1])
        self.assertNotIn("backports", calls[1])

    def test_without_a_source_of_debian_it_says_what_to_do(self):
        (self.tree / "targets").write_text("")
        status, output, _ = self.run_make("deps")
        self.assertNotEqual(status, 0)
        self.assertIn("apt has no source of bookworm whose mirror could be asked for bookworm-backports", output)

    def test_test_does_the_same_set_up_and_runs_every_test(self):
        status, output, calls = self.run_make("test")
        self.assertEqual(status, 0, output)
        self.assertEqual(set(self.programs(calls)) - {"systemctl", "without-services"}, {"apt-get", "cmake", "ctest"})
        installed = (self.tree / "installed").read_text()
        for package in ("cmake", "python3-websockets", "python3-aiohttp", "curl", "chromium"):
            self.assertIn(f"{package} 9\n", installed)
        self.assertIn("ctest --preset release", calls[-1])
        self.assertEqual(output.splitlines()[-1], "1 passed, 0 failed")

    def test_servers_that_tests_start_are_installed_without_their_services(self):
        packages = self.tree / "scripts/packages.txt"
        names = ("redis-server", "nats-server")
        text = packages.read_text()
        for name in names:  # whatever the machine of this test has
            text = text.replace(f"unless={name}", "unless=no-such-command")
        packages.write_text(text)
        status, output, calls = self.run_make("build/deps.test")
        self.assertEqual(status, 0, output)
        (install,) = [i for i, call in enumerate(calls) if call.endswith(" install nats-server redis-server")]
        self.assertEqual(calls[install + 1], "without-services")
        self.assertNotIn("without-services", calls[:install])
        self.assertFalse((self.root / "usr/sbin/policy-rc.d").exists())
        for name in names:
            self.assertIn(f"systemctl --quiet disable {name}", calls)

    def test_a_failed_test_fails_and_a_skipped_one_is_named_and_fails_where_ci_is_set(self):
        self.results(PASSED, SKIPPED)
        status, output, _ = self.run_make("test")
        self.assertEqual((status, output.splitlines()[-2:]), (0, ["skipped: c", "1 passed, 0 failed"]))
        status, output, _ = self.run_make("test", CI="1")
        self.assertIn("1 passed, 1 failed", output)
        self.assertNotEqual(status, 0)
        self.results(PASSED, FAILED)
        status, output, _ = self.run_make("test")
        self.assertIn("1 passed, 1 failed", output)
        self.assertNotEqual(status, 0)


class Presets(unittest.TestCase):
    def test_there_is_one_for_each_purpose(self):
        done = subprocess.run(["cmake", "--list-presets"], cwd=SOURCE, capture_output=True, text=True, timeout=30,
                              check=True)
        for name in ("dev", "release", "asan", "tsan", "clang", "fuzz", "coverage"):
            self.assertIn(f'"{name}"', done.stdout)


if __name__ == "__main__":
    unittest.main()
