"""Custom resource: puts bundles of user code where jobs read them."""
