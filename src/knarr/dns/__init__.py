"""The cluster's DNS server: names of Services and Pods from the caches, all others from the machine's resolvers.

records.py decides what a name means, answering.py speaks the protocol, forwarding.py asks others, component.py ties
them to the cluster. What goes into a Pod's resolv.conf is the kubelet's business.
"""
