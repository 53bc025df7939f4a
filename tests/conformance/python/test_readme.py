"""The lines the project's README prints for Python, run as they stand there."""

import pathlib
import re
import subprocess
import sys
import time
import unittest

import api
from fixtures import LIMIT

README = pathlib.Path(__file__).parents[3] / "README.md"


class Readme(unittest.TestCase):
    def test_its_python_lines_report_a_run(self):
        section = README.read_text(encoding="utf-8").split("\n## From Python\n")[1].split("\n## ")[0]
        program, = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        known = {run["id"] for run in api.listed("agent_instance")}

        # The address and the token come from the environment, as the README says.
        with subprocess.Popen([sys.executable, "-c", program]) as process:
            self.addCleanup(process.kill)
            run = self._the_new_run(known, process)
            self.assertEqual(run["status"], "active", "it shows while it goes on")
            self.assertEqual(process.wait(LIMIT), 0)

        self.assertEqual(api.instance(run["id"])["status"], "complete")
        self.assertEqual(api.tree(run["id"]), ["agent:llm complete", "  agent:tool complete"])

    def _the_new_run(self, known, process):
        """The run that goes on, or that has ended with its program."""
        while True:
            is_over = process.poll() is not None
            for run in api.listed("agent_instance"):
                if run["id"] not in known and (run["status"] == "active" or is_over):
                    return run
            self.assertFalse(is_over, "it reported no run")
            time.sleep(0.02)
