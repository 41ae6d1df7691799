"""AI EasyMaker on one workstation: a daemon, its drivers, its API and its command line.

Layers, lowest first: ``kit``, ``errors``, ``settings``, ``domain``, then ``store`` | ``drivers`` | ``artifacts``,
``services``, ``controllers``, ``api`` | ``client``, ``daemon``, ``cli``. A layer imports lower ones only; import-linter checks
it (``pyproject.toml``).
"""

__version__ = "0.1.0"
