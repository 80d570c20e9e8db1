"""For tests of what runs on a cluster: pytest plugin and simulated nodes."""
