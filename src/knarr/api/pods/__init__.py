"""What is a Pod's alone: the summary that tables show, its quality of service, what an update may change."""
