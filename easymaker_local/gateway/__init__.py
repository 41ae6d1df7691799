"""The gateway: Envoy behind the port of everything that is called by https (architecture 9).

Belongs here: what Envoy is told (``resources``, ``paths``, ``routes``), its process (``process``, ``admin``), the route store
that is the gateway's own (``route_store``), requests that wait (``holding``), and ``gateway.Gateway``, which controllers use.
What an endpoint is does not: the gateway knows services, stages, models by name, and the pods that it is told of.
"""
