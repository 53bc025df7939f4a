"""Runs all tests of this folder and prints a line for each: `ok` or `not ok` and what it promises."""

import logging
import pathlib
import sys
import unittest


class Lines(unittest.TestResult):
    """The lines `tests/conformance/run` counts; why a test failed follows its line, indented."""

    def addSuccess(self, test):
        super().addSuccess(test)
        print(f"ok - {promise(test)}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._explain(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._explain(test, self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            found = self.failures if issubclass(err[0], test.failureException) else self.errors
            self._explain(subtest, found[-1][1])

    @staticmethod
    def _explain(test, text):
        print(f"not ok - {promise(test)}")
        print("\n".join(f"    {line}" for line in text.splitlines()), flush=True)


def promise(test):
    """`test_core_runs.Runs.test_a_span_fails` promises that "a span fails"."""
    parent = getattr(test, "test_case", test)
    # A module that could not be loaded is a test that has no such name.
    name = getattr(parent, "_testMethodName", str(parent))
    case = " ".join(str(value) for value in getattr(test, "params", {}).values())
    topic = type(parent).__module__.removeprefix("test_").replace("_", " ")
    return f"{topic}: {name.removeprefix('test_').replace('_', ' ')}" + (f" ({case})" if case else "")


if __name__ == "__main__":
    # What a client logs about a failure that a test provokes is no news.
    logging.disable(logging.CRITICAL)
    here = pathlib.Path(__file__).parent
    result = unittest.defaultTestLoader.discover(str(here)).run(Lines())
    sys.exit(not result.wasSuccessful())
