"""What control loops are made of: informer, work queue, controller loop, leader election, event recorder.

Generic over kinds: nothing here knows what a Pod is.
"""
