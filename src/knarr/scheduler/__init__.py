"""The scheduler: queue, cache of nodes, framework; its plugins are one file each in plugins/."""
