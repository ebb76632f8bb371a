"""Runs files of unittest cases and reports them as TAP, so that they are counted like all others.

    python3 test/tap_unittest.py test/model_server_test.py test/model_dialects_test.py
"""
import importlib.util
import sys
import unittest
from pathlib import Path


class TapResult(unittest.TestResult):
    """Prints a line for each test when it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def report(self, verdict: str, test: unittest.TestCase, details: str = "") -> None:
        self.number += 1
        print(f"{verdict} {self.number} - {test.id()}", flush=True)
        for line in details.splitlines():
            print(f"# {line}", flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.report("ok", test)

    def addFailure(self, test: unittest.TestCase, err) -> None:
        super().addFailure(test, err)
        self.report("not ok", test, self._exc_info_to_string(err, test))

    def addError(self, test: unittest.TestCase, err) -> None:
        super().addError(test, err)
        self.report("not ok", test, self._exc_info_to_string(err, test))


def load(path: Path) -> unittest.TestSuite:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def main() -> int:
    paths = [Path(argument) for argument in sys.argv[1:]]
    sys.dont_write_bytecode = True
    sys.path[:0] = {str(path.parent) for path in paths}
    suite = unittest.TestSuite(load(path) for path in paths)
    print(f"1..{suite.countTestCases()}", flush=True)
    result = suite.run(TapResult())
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
