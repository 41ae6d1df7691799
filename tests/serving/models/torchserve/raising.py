"""Cannot be initialised."""


class Raising:
    def initialize(self, context):
        raise OSError("no disk")

    def handle(self, data, context):
        return data
