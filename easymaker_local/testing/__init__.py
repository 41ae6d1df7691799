"""Conformance suites, fakes and factories. Ships with the package, imported by tests only."""
