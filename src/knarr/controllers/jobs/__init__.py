"""What a Job's controller decides, as pure functions: what is finished, what is missing, what to say. It acts in
job.py.
"""
