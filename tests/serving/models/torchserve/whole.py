"""A handler class from scratch, which looks at everything that its context offers."""


class Whole:
    """Answers with what it was given."""

    def __init__(self):
        self.initialized = False

    def initialize(self, context):
        self.properties = context.system_properties
        self.manifest = context.manifest
        self.config = context.model_yaml_config
        self.initialized = True

    def handle(self, data, context):
        assert self.initialized
        ids = [context.get_request_id(index) for index in range(len(data))]
        assert len(set(ids)) == len(data)
        for index, row in enumerate(data):
            if row == "forbidden":
                context.set_response_status(403, "Not this one.", index)
            if row == "broken":
                context.set_response_status(507, "Out of resources", index)
        return [
            {
                "row": row,
                "rows": len(data),
                "name": context.model_name,
                "model_name": self.manifest["model"]["modelName"],
                "properties": sorted(self.properties),
                "batch_size": self.properties["batch_size"],
                "server": self.properties["server_name"],
                "gpu": self.properties["gpu_id"],
                "config": self.config,
                "type": context.get_request_header(index, "content-type"),
            }
            for index, row in enumerate(data)
        ]
