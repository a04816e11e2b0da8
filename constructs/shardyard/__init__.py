"""The construct library. No imports here: `shardyard.spec` must cost nothing."""
