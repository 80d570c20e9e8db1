"""Admission policies at work: which are bound to a write, what their expressions evaluate to, what follows.

    following   policies and bindings as they are now, compiled
    params      the objects that a binding names as its policy's parameters
    evaluating  the variables of expressions, each made when it is first read
    deciding    what a ValidatingAdmissionPolicy says of one write
    changing    what a MutatingAdmissionPolicy makes of it
    checking    types: what is wrong with expressions, judged by the schemas of what they are about

The plugins that ask them are in admission/.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""
