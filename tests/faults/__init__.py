"""What was acknowledged is never lost, doubled or reordered: hubs and databases that end at the worst moment, judged by their clients' record.

`python -m tests.faults [--long] [NAME …]` runs the loops and prints what they counted; `test_loops.py` runs each for a few seconds.
"""
