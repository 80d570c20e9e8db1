"""The composition root: certificates, configuration, processes. The only place that knows everybody.

It puts components together and keeps them running; what a component decides is decided in the component.
"""
