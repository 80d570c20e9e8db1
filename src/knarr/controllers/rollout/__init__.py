"""What a Deployment's controller decides, as pure functions: sizes, revisions, progress. It acts in deployment.py."""
