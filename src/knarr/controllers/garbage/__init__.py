"""What the garbage collector is made of: the graph of who owns whom, the watches that keep it true, and its verdicts.

No controller is in here.
"""
