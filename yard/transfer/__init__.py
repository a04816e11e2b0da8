"""Files between this machine and S3: what goes up, what comes down, and what is known of both."""
