"""The roles and bindings that a cluster begins with: upstream's, under upstream's names, and our own components'.

Data in a short notation, and the objects made of it; who stores them is `reconciling`. No requests, no decisions.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""
