"""Work that shows to be too much for where it is done; apart from what does it, so that who waits for it need not load
that.
"""


class LaboriousError(Exception):
    """The work was stopped since it takes longer than its caller wants to wait here. Nothing has come of it, so that it
    may be begun anew where there is more time.
    """
