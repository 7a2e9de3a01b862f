//! The lock: one at a time, no lost wake, and exactly one heir.
