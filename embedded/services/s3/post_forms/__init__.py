"""S3's form posts: an upload whose form brings a policy that its owner has signed."""
