"""Headless Chromium for the tests of a class, and the tests that a page has."""

import re
import unittest

import browser
import harness


class Chromium(unittest.TestCase):
    """One browser for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(browser.Browser())


def require():
    harness.require(chromium=harness.has_program("chromium"), chromium_driver=harness.has_program("chromedriver"))


def test_names(page):
    """Of the tests that a page of this folder runs."""
    return re.findall(r"^  async (\w+)\(\) \{$", (harness.FOLDER / page).read_text(), re.MULTILINE)
