"""TensorBoard behind the user's token: the link that opens it, and the gateway's application that passes requests on."""
