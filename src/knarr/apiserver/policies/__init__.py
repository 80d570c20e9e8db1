"""Admission policies at work: which are bound to a write, what their expressions evaluate to, what follows.

    loading     the rest of this package, with the first binding
    compiling   policies and bindings, compiled
    following   which of them a write has to pass, as they are now
    params      the objects that a binding names as its policy's parameters
    evaluating  the variables of expressions, each made when it is first read
    deciding    what one ValidatingAdmissionPolicy says of a write
    validating  what follows from what all of them say
    changing    what a mutation's value makes of an object
    mutating    MutatingAdmissionPolicies, applied one after the other

The plugins that ask them are in admission/.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""
