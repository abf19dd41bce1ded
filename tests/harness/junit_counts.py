"""usage: junit_counts.py REPORT: prints how many tests of a CTest report passed, failed, were skipped.

A report without tests is a failure: nothing was run.
"""

import sys
import xml.etree.ElementTree


def main():
    suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
    total, failed, skipped = (int(suite.get(name) or 0) for name in ("tests", "failures", "skipped"))
    skipped += int(suite.get("disabled") or 0)
    if total == 0:
        total, failed = 1, 1
    print(total - failed - skipped, failed, skipped)


main()
