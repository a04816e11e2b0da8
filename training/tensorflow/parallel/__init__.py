"""Many processes as one training: how they meet, agree, and tell who is lost."""
