"""What the published schema does not say: defaults, enums, bounds and cross-field rules, by schema definition.

One file per subject (pod_spec.py, containers.py, probes.py ...), each holding frozen `Rules` values; table.py lists
them. A rule is attached to its definition once and holds wherever the definition is used: PodSpec's in Pods and in
every template.
"""
