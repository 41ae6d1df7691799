"""The model server: one core that speaks the Open Inference Protocol, and a short module per framework.

``model`` is the contract between the two. The core knows no framework; a module in ``frameworks`` knows no HTTP.
"""
