"""Small container images from Debian packages, for machines that reach no image registry: `make images`."""
