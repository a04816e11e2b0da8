"""What goes wrong in a template or with a resource, in CloudFormation's words."""


class TemplateError(Exception):
    """The template, or what was given with it, cannot be used: the API call is refused."""


class TransformError(TemplateError):
    """A transform failed: what it was for fails too, after the API call was answered."""


class ResourceError(Exception):
    """A resource could not be created, updated or deleted: the stack rolls back and an event has the reason."""


class NotEmulated(ResourceError):
    """The embedded cloud does not know this type, or this property of it: it says so and does not pretend."""
