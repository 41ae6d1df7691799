"""Model artifacts are examined here: read, never executed or unpickled, by code that expects hostile files (MD-L01).

``examination.examine`` is the way in. Every framework has a module with ``look``; what they share is in ``files`` and
``archives``. Memory is bounded by constants, time by the size of the artifact.
"""
