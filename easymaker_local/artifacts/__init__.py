"""A resource's files and folders: the image catalogue, data locations, staging directories.

Nothing here runs workloads or writes a status.
"""
