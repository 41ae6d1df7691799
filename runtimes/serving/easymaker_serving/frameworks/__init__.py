"""One module per framework, with ``load(settings) -> Model``. Only the module that is asked for is imported."""
