"""The cluster's certificates on this machine.

leaves.py says who has one, issuing.py makes them, certificates.py keeps them: made at the first start, anew in time or
when the machine has moved. renewing.py does that while the cluster runs; rotated.py and kubelets.py are for those that
the kubelet asks the cluster for itself. inventory.py is what `knarr certs` shows.
"""
