"""The checkers of the workloads see what they are for: histories with a fault in them are refused."""

import math
import unittest

import server_under_test  # noqa: F401  (puts the harness on the path)
from claims import run_claims
from workload_queue import Delivery, RESPONSE_SECONDS, complaints_about, longest_rise
from workload_register import NOTHING, Operation, complaint_about

UNKNOWN = math.inf


def history(*operations):
    return [Operation(*one) for one in operations]


class RegisterChecker(unittest.TestCase):
    def assert_linearizable(self, *operations):
        self.assertIsNone(complaint_about(history(*operations)))

    def assert_not(self, *operations):
        self.assertIsNotNone(complaint_about(history(*operations)))

    def test_one_after_the_other(self):
        self.assert_linearizable(
            ("read", NOTHING, 0, 1), ("write", 1, 2, 3), ("read", 1, 4, 5), ("write", 2, 6, 7), ("read", 2, 8, 9)
        )

    def test_a_read_beside_a_write_may_see_either(self):
        for seen in (NOTHING, 1):
            self.assert_linearizable(("write", 1, 0, 10), ("read", seen, 3, 4))

    def test_a_stale_read_after_an_answered_write(self):
        self.assert_not(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5))
        self.assert_not(("write", 1, 0, 1), ("read", NOTHING, 2, 3))

    def test_two_readers_may_not_see_it_go_back(self):
        self.assert_not(
            ("write", 1, 0, 1), ("write", 2, 2, 20), ("read", 2, 5, 6), ("read", 1, 7, 8)
        )

    def test_a_lost_write(self):
        self.assert_not(("write", 1, 0, 1), ("read", 1, 2, 3), ("read", NOTHING, 4, 5))

    def test_a_read_before_its_write_and_of_nothing_written(self):
        self.assert_not(("read", 1, 0, 1), ("write", 1, 2, 3))
        self.assert_not(("read", 7, 0, 1))

    def test_a_write_without_an_answer_happens_late_or_never(self):
        self.assert_linearizable(("write", 1, 0, UNKNOWN), ("write", 2, 1, 2), ("read", 2, 3, 4))
        self.assert_linearizable(
            ("write", 1, 0, UNKNOWN), ("write", 2, 1, 2), ("read", 2, 3, 4), ("read", 1, 5, 6)
        )
        self.assert_not(
            ("write", 1, 0, UNKNOWN), ("write", 2, 1, 2), ("read", 1, 3, 4), ("read", 2, 5, 6),
            ("read", 1, 7, 8),
        )


class QueueChecker(unittest.TestCase):
    def delivery(self, task, attempt, asked, got):
        return Delivery({"taskId": task, "retryCount": attempt, "workflowInstanceId": "w"}, asked, got)

    def test_each_attempt_once_and_the_next_after_its_lease(self):
        good = [self.delivery("a", 0, 0, 1), self.delivery("b", 1, 3, RESPONSE_SECONDS + 0.1)]
        self.assertEqual(list(complaints_about(good)), [])

    def test_handed_out_twice(self):
        twice = [self.delivery("a", 0, 0, 1), self.delivery("a", 0, 2, 3)]
        self.assertEqual(len(list(complaints_about(twice))), 1)

    def test_the_next_attempt_before_the_lease_is_over(self):
        early = [self.delivery("a", 0, 0, 1), self.delivery("b", 1, 0, RESPONSE_SECONDS - 0.1)]
        self.assertEqual(len(list(complaints_about(early))), 1)

    def test_a_merge_of_three_falling_sequences_rises_three_times_at_most(self):
        self.assertEqual(longest_rise([9, 9, 5, 1]), 1)
        self.assertEqual(longest_rise([5, 7, 9, 4, 6, 8, 3]), 3)
        self.assertEqual(longest_rise([1, 2, 3, 4]), 4)


if __name__ == "__main__":
    run_claims()
