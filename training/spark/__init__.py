"""What runs in a Spark container: `smspark-submit`, over a standalone cluster of all nodes of the processing job."""
