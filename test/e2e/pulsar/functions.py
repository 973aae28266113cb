"""Functions in Python that the tests run."""

import json
import os

from pulsar import Function


class Exclaim(Function):
    def process(self, input, context):
        return input + "!"


class Settings(Function):
    """Answers with its whole configuration and one secret."""

    def process(self, input, context):
        return json.dumps({"config": context.get_user_config_map(), "secret": context.get_secret("PASSWORD")})


class Count(Function):
    def process(self, input, context):
        context.incr_counter(input, 1)
        return f"{input} {context.get_counter(input)}"


class Fails(Function):
    def process(self, input, context):
        raise ValueError(f"no use for {input}")


class Ends(Function):
    """Ends its instance as if all were well."""

    def process(self, input, context):
        os._exit(0)
