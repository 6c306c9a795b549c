"""The parts of the load test: schedule, calls, records, summary, and what is shown."""
