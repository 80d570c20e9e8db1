"""The scheduler: gives each Pod that has none a node, and does nothing else.

component.py watches, decides and binds; queue.py says who is next, cache.py what is taken, judging.py and placing.py
which node it will be. A concern of placing is one file in plugins/ and one line in table.py; plugins see a demand and a
node, never the API.
"""
